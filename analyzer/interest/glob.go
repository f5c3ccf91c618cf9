package interest

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// testPaths gives the paths that a test of a path asks for; ok is false where they cannot be bounded.
func testPaths(t rule.Test) (paths []string, ok bool) {
	var globs []string
	switch t := t.(type) {
	case rule.Text:
		for _, pattern := range t.Alternatives {
			globs = append(globs, globOf(pattern))
		}
	case rule.Regex:
		tree, err := syntax.Parse(t.Regex.String(), syntax.Perl)
		if err != nil {
			return nil, false
		}
		if globs, ok = expand(tree.Simplify()); !ok {
			return nil, false
		}
		for i, glob := range globs {
			globs[i] = anchored(glob)
		}
	default:
		return nil, false
	}
	for _, glob := range globs {
		path, possible, ok := settle(glob)
		if !ok {
			return nil, false
		}
		if possible {
			paths = append(paths, path)
		}
	}
	return paths, true
}

// globOf spells a pattern in the language of globs. It may stand for more than the pattern does.
func globOf(pattern rule.Pattern) string {
	var b strings.Builder
	for i, token := range pattern {
		switch {
		case token.Kind == rule.Literal:
			b.WriteString(token.Text)
		case token.Kind == rule.AnyText, i == 0:
			b.WriteString("**")
		default:
			b.WriteString("*")
		}
	}
	return b.String()
}

// settle makes a glob one that a collector takes: the last or the last but one part is written out. There ** does not reach
// over a slash any more, so that of a whole directory the files that lie in it directly remain. possible is false for a glob
// that no absolute path fits.
func settle(glob string) (path string, possible, ok bool) {
	for strings.Contains(glob, "***") {
		glob = strings.ReplaceAll(glob, "***", "**")
	}
	if !strings.HasPrefix(glob, "/") && !strings.HasPrefix(glob, "**") || strings.HasSuffix(glob, "/") {
		return "", false, true
	}
	if len(glob) > maxPath || strings.IndexByte(glob, 0) >= 0 {
		return "", false, false
	}
	slash := strings.LastIndexByte(glob, '/')
	if slash < 0 {
		return "", false, false
	}
	directory, last := glob[:slash], glob[slash+1:]
	if !strings.Contains(last, "*") {
		return glob, true, true
	}
	above := directory[strings.LastIndexByte(directory, '/')+1:]
	if above == "" || strings.Contains(above, "*") {
		return "", false, false
	}
	return directory + "/" + strings.ReplaceAll(last, "**", "*"), true, true
}

// Marks of the beginning and the end of a text within an expansion; no path holds them.
const (
	beginning = "\x02"
	end       = "\x03"
)

// mostExpanded bounds how many globs stand for an expression.
const mostExpanded = 64

// expand gives globs that stand for all that an expression matches, and maybe for more.
func expand(re *syntax.Regexp) (globs []string, ok bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}, true
	case syntax.OpBeginText, syntax.OpBeginLine:
		return []string{beginning}, true
	case syntax.OpEndText, syntax.OpEndLine:
		return []string{end}, true
	case syntax.OpLiteral:
		text := string(re.Rune)
		if re.Flags&syntax.FoldCase != 0 {
			text = strings.Map(unicode.ToLower, text)
		}
		return []string{text}, !strings.ContainsAny(text, beginning+end)
	case syntax.OpCharClass:
		return expandClass(re), true
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []string{"**"}, true
	case syntax.OpCapture:
		return expand(re.Sub[0])
	case syntax.OpQuest:
		globs, ok = expand(re.Sub[0])
		return append(globs, ""), ok
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		return []string{repeated(re.Sub[0])}, true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			more, ok := expand(sub)
			if !ok || len(globs)+len(more) > mostExpanded {
				return nil, false
			}
			globs = append(globs, more...)
		}
		return globs, true
	case syntax.OpConcat:
		globs = []string{""}
		for _, sub := range re.Sub {
			more, ok := expand(sub)
			if !ok || len(globs)*len(more) > mostExpanded {
				return nil, false
			}
			globs = product(globs, more)
		}
		return globs, true
	}
	return nil, false
}

func product(heads, tails []string) []string {
	all := make([]string, 0, len(heads)*len(tails))
	for _, head := range heads {
		for _, tail := range tails {
			all = append(all, head+tail)
		}
	}
	return all
}

// repeated gives the glob of any number of what an expression matches.
func repeated(re *syntax.Regexp) string {
	if re.Op == syntax.OpCharClass && !hasRune(re, '/') {
		return "*"
	}
	return "**"
}

// expandClass writes out a class of few characters.
func expandClass(re *syntax.Regexp) []string {
	const most = 4
	var globs []string
	for i := 0; i+1 < len(re.Rune); i += 2 {
		for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
			if globs = append(globs, string(unicode.ToLower(r))); len(globs) > most {
				if hasRune(re, '/') {
					return []string{"**"}
				}
				return []string{"*"}
			}
		}
	}
	slices.Sort(globs)
	return slices.Compact(globs)
}

func hasRune(re *syntax.Regexp, wanted rune) bool {
	for i := 0; i+1 < len(re.Rune); i += 2 {
		if re.Rune[i] <= wanted && wanted <= re.Rune[i+1] {
			return true
		}
	}
	return false
}

// anchored gives a glob that is for the whole path: an expression may be found anywhere in it unless it says otherwise.
func anchored(glob string) string {
	glob, isHead := strings.CutPrefix(glob, beginning)
	glob, isTail := strings.CutSuffix(glob, end)
	glob = strings.NewReplacer(beginning, "", end, "").Replace(glob)
	if !isHead {
		glob = "**" + glob
	}
	if !isTail {
		glob += "**"
	}
	return glob
}
