package alert

import (
	"unicode/utf8"

	"github.com/vedette-edr/vedette/proto/ecs"
)

// limits bound the texts of a document, in bytes before they are encoded, and its lists, in members.
type limits struct {
	arguments, environment, ancestor, other, members int
}

func largest() limits {
	return limits{arguments: 32 << 10, environment: 8 << 10, ancestor: 1 << 10, other: 4 << 10, members: 1024}
}

func (l limits) smaller() limits {
	return limits{
		arguments: l.arguments / 4, environment: l.environment / 4, ancestor: l.ancestor / 4, other: l.other / 4, members: l.members / 4,
	}
}

func (l limits) exhausted() bool { return l.members < 4 }

// cutter cuts texts and remembers what it cut.
type cutter struct {
	limits
	made []ecs.Truncation
}

func (c *cutter) note(field string, size, kept uint64) {
	for i := range c.made {
		if c.made[i].Field == field {
			c.made[i].Size, c.made[i].Kept = max(c.made[i].Size, size), min(c.made[i].Kept, kept)
			return
		}
	}
	c.made = append(c.made, ecs.Truncation{Field: field, Size: size, Kept: kept})
}

// text makes s valid and no longer than the limit for texts.
func (c *cutter) text(field, s string) string { return c.textTo(field, s, c.other) }

func (c *cutter) textTo(field, s string, most int) string {
	kept := clip(s, most)
	if len(kept) < len(s) {
		c.note(field, uint64(len(s)), uint64(len(kept)))
	}
	return ecs.Text(kept)
}

// list makes every member of a list a text, and the list no longer than the limit for lists.
func (c *cutter) list(field string, in []string) []string {
	if len(in) == 0 {
		return nil
	}
	kept := min(len(in), c.members)
	out := make([]string, 0, kept)
	for _, s := range in[:kept] {
		out = append(out, c.text(field, s))
	}
	if kept < len(in) {
		c.note(field, uint64(len(in)), uint64(kept))
	}
	return out
}

// clip cuts s to at most most bytes, and not in the middle of a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for back := 0; back < utf8.UTFMax && back < most; back++ {
		if utf8.RuneStart(s[most-back]) {
			return s[:most-back]
		}
	}
	return s[:most]
}
