package subject

import (
	"strings"
	"testing"

	pb "github.com/vedette-edr/vedette/proto"
)

func TestEveryClassHasATokenThatReadsBack(t *testing.T) {
	for n := range pb.Class_name {
		class := pb.Class(n)
		got, err := ParseClass(ClassToken(class))
		if class == pb.Class_CLASS_UNSPECIFIED {
			if err == nil {
				t.Errorf("%q is a class", ClassToken(class))
			}
			continue
		}
		if err != nil || got != class {
			t.Errorf("%q reads back as %v, %v", ClassToken(class), got, err)
		}
	}
	for _, token := range []string{"", "processes", "PROCESS", "CLASS_PROCESS"} {
		if _, err := ParseClass(token); err == nil || !strings.Contains(err.Error(), "the classes are process, kernel, identity") {
			t.Errorf("%q gives %v", token, err)
		}
	}
}
