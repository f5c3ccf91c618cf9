package engine

import (
	"strings"
	"testing"
	"unicode"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

func TestFoldingIsThatOfPackageRule(t *testing.T) {
	var texts []string
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if folded := rule.FoldRune(r); caseless(r) && folded != r && r != unicode.ReplacementChar {
			t.Errorf("%U is called caseless, but folds to %U", r, folded)
		}
		if len(string(rule.FoldRune(r))) > len(string(r)) {
			t.Errorf("%U gets longer when it is folded", r)
		}
	}
	for n := range 40 {
		texts = append(texts, strings.Repeat("aZ@[`{K", 6)[:n]+"É\xffſ®Ж\xe2\x84"+strings.Repeat("A", n), strings.Repeat("QzAZ@[`{", 6)[:n])
	}
	var s scratch
	for _, text := range texts {
		got, foreign := s.fold(text)
		if want := string(rule.AppendFolded(nil, text)); got != want {
			t.Errorf("fold(%q) = %q, want %q", text, got, want)
		}
		if foreign != !isASCII(text) {
			t.Errorf("fold(%q) says foreign is %t", text, foreign)
		}
	}
}
