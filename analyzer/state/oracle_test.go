package state_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
)

// oracle remembers every process for ever and asks no more than what a reader of the events can know.
type oracle struct {
	known map[state.Key]*fact
}

type fact struct {
	parent  state.Key
	program string
	exited  bool
}

func (o *oracle) meet(k, parent state.Key) *fact {
	f := o.known[k]
	if f == nil {
		f = &fact{parent: parent}
		o.known[k] = f
	}
	if f.parent == (state.Key{}) {
		f.parent = parent
	}
	if parent != (state.Key{}) && o.known[parent] == nil {
		o.known[parent] = &fact{}
	}
	return f
}

// machine plays random processes with few process ids, so that reuse is the rule.
type machine struct {
	rng    *rand.Rand
	world  *world
	oracle oracle
	living []state.Key
	now    int
	stamp  int
	// unseen is a process whose fork was lost. It acts next: if it waited until its parent had been forgotten, nobody could
	// know its ancestors.
	unseen *state.Key
}

func (m *machine) pick() state.Key {
	if m.unseen != nil {
		return *m.unseen
	}
	return m.living[m.rng.IntN(len(m.living))]
}

func (m *machine) freePID() (uint32, bool) {
	pid := uint32(2 + m.rng.IntN(30))
	taken := slices.ContainsFunc(m.living, func(k state.Key) bool { return k.PID == pid })
	return pid, !taken
}

// step lets something happen and gives the event of it; nil when the event is lost.
func (m *machine) step() *pb.Event {
	m.now++
	lost := m.rng.IntN(20) == 0
	who := m.pick()
	parent := m.world.parents[who]
	if m.unseen != nil {
		m.unseen = nil
		m.oracle.meet(who, parent)
		return m.world.event(who, m.now)
	}
	switch m.rng.IntN(5) {
	case 0, 1:
		pid, ok := m.freePID()
		if !ok {
			return nil
		}
		child := key(pid, m.now)
		born := who
		if m.rng.IntN(10) == 0 && parent != (state.Key{}) {
			born = parent
		}
		ev := m.world.forkFor(who, born, child)
		m.living = append(m.living, child)
		if lost {
			m.unseen = &child
			return nil
		}
		creator := m.oracle.meet(who, parent)
		m.oracle.meet(child, born).program = creator.program
		return ev
	case 2, 3:
		m.stamp++
		image := fmt.Sprint("program", m.stamp)
		ev := m.world.exec(who, m.now, image)
		if lost {
			return nil
		}
		m.oracle.meet(who, parent).program = image
		return ev
	default:
		if len(m.living) == 1 {
			return nil
		}
		m.living = slices.DeleteFunc(m.living, func(k state.Key) bool { return k == who })
		ev := m.world.exit(who, m.now)
		if lost {
			return nil
		}
		m.oracle.meet(who, parent).exited = true
		return ev
	}
}

func (m *machine) lineage(k state.Key) string {
	text := ""
	for f := m.oracle.known[k]; f != nil; f = m.oracle.known[f.parent] {
		if text != "" {
			text += "<"
		}
		if f.program == "" {
			text += "?"
		}
		text += f.program
	}
	return text
}

// Whatever happens in whatever order, the tree says of a living process and of all its ancestors exactly what the events
// said, although it forgets everything that no living process descends from.
func TestTreeAgreesWithTheOracle(t *testing.T) {
	for seed := range uint64(12) {
		m := &machine{rng: rand.New(rand.NewPCG(seed, 1)), world: newWorld(), oracle: oracle{known: map[state.Key]*fact{}}}
		initial := key(1, 0)
		m.living = []state.Key{initial}
		tree := state.New(state.Options{Grace: 20 * time.Second})
		for step := range 3000 {
			ev := m.step()
			if ev == nil {
				continue
			}
			tree.Apply(ev)
			// Chains grow to hundreds of ancestors; every step would take minutes.
			if step%13 != 0 {
				continue
			}
			for _, k := range m.living {
				want := m.lineage(k)
				if want == "" {
					continue
				}
				if got := plain(tree, k); got != want {
					t.Fatalf("seed %d, step %d: process %v is\n%s, want\n%s", seed, step, k, got, want)
				}
			}
		}
		if s := tree.Stats(); s.Evicted != 0 || s.Processes > 2000 {
			t.Errorf("seed %d: stats are %+v, want nothing evicted and the dead forgotten", seed, s)
		}
	}
}

// plain is lineage without the mark of the dead.
func plain(tree *state.Tree, k state.Key) string {
	p := tree.Process(k)
	if p == nil {
		return "-"
	}
	chain, _ := tree.Ancestors(p, []*state.Process{p}, 1<<20)
	text := ""
	for i, a := range chain {
		if i > 0 {
			text += "<"
		}
		if a.Program == nil {
			text += "?"
		} else {
			text += a.Program.Image
		}
	}
	return text
}

// With hardly any memory the tree forgets, and what it still says is true.
func TestForgetfulTreeNeverLies(t *testing.T) {
	for seed := range uint64(10) {
		m := &machine{rng: rand.New(rand.NewPCG(seed, 2)), world: newWorld(), oracle: oracle{known: map[state.Key]*fact{}}}
		m.living = []state.Key{key(1, 0)}
		tree := state.New(state.Options{Grace: 20 * time.Second, MaxBytes: 12 << 10})
		for step := range 3000 {
			ev := m.step()
			if ev == nil {
				continue
			}
			tree.Apply(ev)
			for _, k := range m.living {
				p := tree.Process(k)
				if p == nil || p.Program == nil {
					continue
				}
				if want := m.oracle.known[k].program; want != "" && p.Program.Image != want {
					t.Fatalf("seed %d, step %d: process %v runs %s, want %s", seed, step, k, p.Program.Image, want)
				}
			}
		}
		if s := tree.Stats(); s.Evicted == 0 || s.Bytes > 16<<10 {
			t.Errorf("seed %d: stats are %+v, want a bounded tree", seed, s)
		}
	}
}
