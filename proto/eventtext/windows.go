package eventtext

import (
	"fmt"

	pb "github.com/vedette-edr/vedette/proto"
)

func (w Words) windows(ev *pb.Event) string {
	switch x := ev.Payload.(type) {
	case *pb.Event_RegistryKey:
		k := x.RegistryKey
		text := spaced(w.word(k.GetOperation()), w.text(k.GetKey()))
		if len(k.GetNewName()) > 0 {
			text += " -> " + w.text(k.GetNewName())
		}
		return text
	case *pb.Event_RegistryValue:
		v := x.RegistryValue
		return spaced(w.word(v.GetOperation()), w.text(v.GetKey())+`\`+w.text(v.GetValueName()), w.text(v.GetDetails()))
	case *pb.Event_ImageLoad:
		return noted("image "+w.path(x.ImageLoad.GetFile()), w.signature(x.ImageLoad.GetSignature()))
	case *pb.Event_ScriptBlock:
		s := x.ScriptBlock
		return spaced("script", w.word(s.GetEngine()), fmt.Sprintf("part %d of %d", s.GetPart(), s.GetParts()), w.text(s.GetPath()), w.text(s.GetText()))
	case *pb.Event_ModuleLogging:
		return spaced("script", w.word(x.ModuleLogging.GetEngine()), w.text(x.ModuleLogging.GetPayload()))
	case *pb.Event_NamedPipe:
		return noted("pipe "+w.text(x.NamedPipe.GetName()), either(x.NamedPipe.GetCreated(), "created", "opened"))
	case *pb.Event_WmiActivity:
		m := x.WmiActivity
		return spaced("WMI", w.word(m.GetOperation()), w.text(m.GetNamespace()), w.text(m.GetQuery()), w.text(m.GetConsumer()),
			w.text(m.GetFilter()), w.text(m.GetDestination()))
	case *pb.Event_ScheduledTask:
		return spaced("task", w.word(x.ScheduledTask.GetOperation()), w.text(x.ScheduledTask.GetName()))
	case *pb.Event_ServiceChange:
		s := x.ServiceChange
		return spaced("service", w.word(s.GetOperation()), w.text(s.GetName()), w.text(s.GetImagePath()))
	case *pb.Event_EventLogRecord:
		r := x.EventLogRecord
		return spaced(w.word(r.GetChannel()), w.word(r.GetProvider()), fmt.Sprintf("event=%d record=%d", r.GetEventId(), r.GetRecordId()))
	}
	return ""
}
