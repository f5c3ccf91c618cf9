package eventtext

import (
	"bytes"
	"fmt"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/linuxabi"
	"github.com/vedette-edr/vedette/proto/subject"
)

func (w Words) process(ev *pb.Event) string {
	switch x := ev.Payload.(type) {
	case *pb.Event_Exec:
		return w.program(x.Exec)
	case *pb.Event_Seed:
		return w.program(x.Seed)
	case *pb.Event_Fork:
		return fmt.Sprintf("child=%d", x.Fork.GetChild().GetPid())
	case *pb.Event_Exit:
		if signal := x.Exit.GetSignal(); signal != 0 {
			return "signal=" + linuxabi.Signal(signal) + when(x.Exit.GetCoreDumped(), " core dumped")
		}
		return fmt.Sprintf("code=%d", x.Exit.GetCode())
	case *pb.Event_SeedEnd:
		return fmt.Sprintf("processes=%d vanished=%d", x.SeedEnd.GetProcesses(), x.SeedEnd.GetVanished())
	case *pb.Event_ExecFailed:
		return failed(w.text(x.ExecFailed.GetFilename()), x.ExecFailed.GetErrno())
	case *pb.Event_ProcessRename:
		return w.text(x.ProcessRename.GetOldComm()) + " -> " + w.text(x.ProcessRename.GetNewComm())
	case *pb.Event_ContainerExec:
		return "container " + w.word(x.ContainerExec.GetContainerId())
	}
	return ""
}

func (w Words) program(x *pb.ProcessExec) string {
	script := ""
	if x.GetScript() != nil {
		script = w.path(x.GetScript())
	}
	command := bytes.ReplaceAll(bytes.TrimSuffix(x.GetArguments(), []byte{0}), []byte{0}, []byte{' '})
	return spaced(w.path(x.GetExecutable()), labelled("script", script), w.text(command))
}

// agent is what the collector says of itself.
func (w Words) agent(ev *pb.Event) string {
	switch x := ev.Payload.(type) {
	case *pb.Event_Throttled:
		if x.Throttled.GetEnded() {
			return "all events of class " + subject.ClassToken(x.Throttled.GetClass()) + " are reported again"
		}
		return fmt.Sprintf("%d events of class %s withheld in %s", x.Throttled.GetWithheld(), subject.ClassToken(x.Throttled.GetClass()),
			duration(x.Throttled.GetIntervalNs()))
	case *pb.Event_SensorTamper:
		t := x.SensorTamper
		return spaced(w.word(t.GetOperation()), w.word(t.GetObject()), fmt.Sprintf("id=%d", t.GetObjectId()), w.text(t.GetDetail()))
	case *pb.Event_CollectorGap:
		g := x.CollectorGap
		gap := duration(uint64(max(0, g.GetToWallTimeNs()-g.GetFromWallTimeNs())))
		return noted("nothing was seen for "+gap, w.word(g.GetReason()), when(g.GetUnclean(), "the collector did not end cleanly"))
	case *pb.Event_CgroupChange:
		c := x.CgroupChange
		return spaced(w.word(c.GetOperation()), w.text(c.GetPath()), fmt.Sprintf("id=%d", c.GetCgroupId()))
	case *pb.Event_ContainerSpec:
		c := x.ContainerSpec
		return spaced(w.word(c.GetRuntime()), w.text(c.GetBundle()), fmt.Sprintf("cgroup=%d config=%d bytes", c.GetCgroupId(), c.GetConfigSize()))
	}
	return ""
}
