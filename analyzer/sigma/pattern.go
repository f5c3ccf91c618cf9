package sigma

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind is a kind of element of a value with wildcards.
type tokenKind uint8

const (
	literal tokenKind = iota
	anyText           // `*`
	anyChar           // `?`
	anyDash           // what windash makes of a dash or slash
)

type token struct {
	kind tokenKind
	text string
}

// splitWildcards reads a Sigma string: `*` and `?` are wildcards, and a backslash takes the meaning from `*`, `?` and
// another backslash. Any other backslash is itself.
func splitWildcards(s string) []token {
	var tokens []token
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			tokens = append(tokens, token{literal, lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '*':
			flush()
			tokens = append(tokens, token{kind: anyText})
		case '?':
			flush()
			tokens = append(tokens, token{kind: anyChar})
		case '\\':
			if i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\') {
				i++
			}
			lit.WriteByte(s[i])
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return tokens
}

// plainText gives the text of tokens without wildcards.
func plainText(tokens []token) (text string, ok bool) {
	switch {
	case len(tokens) == 0:
		return "", true
	case len(tokens) == 1 && tokens[0].kind == literal:
		return tokens[0].text, true
	}
	return "", false
}

func openStart(tokens []token) []token {
	if len(tokens) > 0 && tokens[0].kind == anyText {
		return tokens
	}
	return append([]token{{kind: anyText}}, tokens...)
}

func openEnd(tokens []token) []token {
	if len(tokens) > 0 && tokens[len(tokens)-1].kind == anyText {
		return tokens
	}
	return append(slices.Clip(tokens), token{kind: anyText})
}

// looseDashes lets a `-` or `/` that opens a word stand for every dash that Windows programs take for it.
func looseDashes(tokens []token) []token {
	var loose []token
	for _, t := range tokens {
		if t.kind != literal {
			loose = append(loose, t)
			continue
		}
		start, before := 0, rune(-1)
		for i, r := range t.text {
			if (r == '-' || r == '/') && !isWord(before) {
				if after, _ := utf8.DecodeRuneInString(t.text[i+1:]); isWord(after) {
					if start < i {
						loose = append(loose, token{literal, t.text[start:i]})
					}
					loose = append(loose, token{kind: anyDash})
					start = i + 1
				}
			}
			before = r
		}
		if start < len(t.text) {
			loose = append(loose, token{literal, t.text[start:]})
		}
	}
	return loose
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// pattern is a compiled value. Its literals are folded unless it is cased, and it matches text in the same form.
type pattern struct {
	cased bool
	// Most values have at most a star at either end; these are the text between, and which end is open.
	simple             bool
	text               []byte
	openHead, openTail bool
	tokens             []patternToken
}

type patternToken struct {
	kind tokenKind
	text []byte
}

func newPattern(tokens []token, cased bool) pattern {
	p := pattern{cased: cased}
	for _, t := range tokens {
		c := patternToken{kind: t.kind}
		if t.kind == literal {
			if cased {
				c.text = []byte(t.text)
			} else {
				c.text = appendFolded(nil, t.text)
			}
		}
		if last := len(p.tokens) - 1; last >= 0 && c.kind == anyText && p.tokens[last].kind == anyText {
			continue
		}
		p.tokens = append(p.tokens, c)
	}
	inner := p.tokens
	if len(inner) > 0 && inner[0].kind == anyText {
		p.openHead, inner = true, inner[1:]
	}
	if len(inner) > 0 && inner[len(inner)-1].kind == anyText {
		p.openTail, inner = true, inner[:len(inner)-1]
	}
	switch {
	case len(inner) == 0:
		p.simple, p.openTail = true, p.openHead
	case len(inner) == 1 && inner[0].kind == literal:
		p.simple, p.text = true, inner[0].text
	}
	return p
}

// match reports whether the whole of b is as the pattern says.
func (p *pattern) match(b []byte) bool {
	if !p.simple {
		return p.matchTokens(b)
	}
	switch {
	case p.openHead && p.openTail:
		return bytes.Contains(b, p.text)
	case p.openHead:
		return bytes.HasSuffix(b, p.text)
	case p.openTail:
		return bytes.HasPrefix(b, p.text)
	}
	return bytes.Equal(b, p.text)
}

// matchTokens needs to go back no further than to the last star: an earlier one can never do better by taking more.
func (p *pattern) matchTokens(b []byte) bool {
	at, pos := 0, 0
	star, starPos := -1, 0
	for {
		if at < len(p.tokens) && p.tokens[at].kind == anyText {
			star, starPos = at, pos
			at++
		}
		if at < len(p.tokens) {
			if n := p.tokens[at].length(b[pos:]); n >= 0 {
				at, pos = at+1, pos+n
				continue
			}
		} else if pos == len(b) || star == len(p.tokens)-1 {
			return true
		}
		if star < 0 || starPos >= len(b) {
			return false
		}
		_, size := utf8.DecodeRune(b[starPos:])
		starPos += size
		if next := &p.tokens[star+1]; next.kind == literal {
			skip := bytes.Index(b[starPos:], next.text)
			if skip < 0 {
				return false
			}
			starPos += skip
		}
		at, pos = star+1, starPos
	}
}

// length is how many bytes at the start of b the token takes, -1 when it does not match there.
func (t *patternToken) length(b []byte) int {
	switch t.kind {
	case literal:
		if bytes.HasPrefix(b, t.text) {
			return len(t.text)
		}
	case anyChar:
		if len(b) > 0 {
			_, size := utf8.DecodeRune(b)
			return size
		}
	case anyDash:
		switch r, size := utf8.DecodeRune(b); r {
		case '-', '/', '–', '—', '―':
			return size
		}
	case anyText:
		// matchTokens handles stars.
	}
	return -1
}

// appendFolded appends s with every character replaced by the one that stands for all that differ from it in case only.
// Bytes that are not valid UTF-8 stay as they are.
func appendFolded(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError {
			dst = append(dst, s[i:i+size]...)
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		i += size
	}
	return dst
}

func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}
