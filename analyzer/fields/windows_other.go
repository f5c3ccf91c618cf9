package fields

import (
	"strings"

	pb "github.com/vedette-edr/vedette/proto"
)

func windowsNetworkShapes() map[string]shape {
	accept := numbered("3", windowsActor(), incoming())
	connect := numbered("3", windowsActor(), outgoing())
	// A sensor that sees both directions in one kind of event says which it was.
	for name, read := range incoming() {
		out := connect.fields[name]
		connect.fields[name] = func(v *View) (string, bool) {
			if v.ev.GetNetworkConnect().GetInitiated() {
				return out(v)
			}
			return read(v)
		}
	}
	return map[string]shape{
		"network_connection": connect,
		"network_accept":     accept,
		"dns_query":          numbered("22", windowsActor(), dns()),
		"pipe_created":       pipe(),
		"login_session": {fields: with(windowsActor(), login(), table{
			"LogonType": func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetLoginSession().GetLogonType())) },
		})},
	}
}

func pipe() shape {
	choice := func(created, connected string) accessor {
		return func(v *View) (string, bool) {
			if v.ev.GetNamedPipe().GetCreated() {
				return created, true
			}
			return connected, true
		}
	}
	return numbered("", windowsActor(), table{
		"EventID":   choice("17", "18"),
		"EventType": choice("CreatePipe", "ConnectPipe"),
		"PipeName": func(v *View) (string, bool) {
			name := v.ev.GetNamedPipe().GetName()
			if len(name) == 0 || name[0] == '\\' {
				return presentBytes(name)
			}
			return v.joined([]byte(`\`), "", name)
		},
	})
}

func windowsScriptShapes() map[string]shape {
	task := func(read func(t *pb.ScheduledTask) []byte) accessor {
		return func(v *View) (string, bool) { return presentBytes(read(v.ev.GetScheduledTask())) }
	}
	service := func(read func(s *pb.ServiceChange) []byte) accessor {
		return func(v *View) (string, bool) { return presentBytes(read(v.ev.GetServiceChange())) }
	}
	return map[string]shape{
		"ps_script": numbered("4104", windowsActor(), table{
			"ScriptBlockText": func(v *View) (string, bool) { return borrow(v.ev.GetScriptBlock().GetText()), true },
			"ScriptBlockId":   func(v *View) (string, bool) { return present(v.ev.GetScriptBlock().GetId()) },
			"MessageNumber":   func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetScriptBlock().GetPart())) },
			"MessageTotal":    func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetScriptBlock().GetParts())) },
			"Path":            func(v *View) (string, bool) { return presentBytes(v.ev.GetScriptBlock().GetPath()) },
		}),
		"ps_module": numbered("4103", windowsActor(), table{
			"Payload":     func(v *View) (string, bool) { return borrow(v.ev.GetModuleLogging().GetPayload()), true },
			"ContextInfo": func(v *View) (string, bool) { return borrow(v.ev.GetModuleLogging().GetContext()), true },
		}),
		"wmi_event": wmi(),
		"scheduled_task": {fields: with(windowsActor(), table{
			"Operation":   func(v *View) (string, bool) { return present(v.ev.GetScheduledTask().GetOperation()) },
			"TaskName":    task(func(t *pb.ScheduledTask) []byte { return t.GetName() }),
			"TaskContent": task(func(t *pb.ScheduledTask) []byte { return t.GetContent() }),
			"TaskUser":    task(func(t *pb.ScheduledTask) []byte { return t.GetUser() }),
		})},
		"service_change": {fields: with(windowsActor(), table{
			"Operation":   func(v *View) (string, bool) { return present(v.ev.GetServiceChange().GetOperation()) },
			"ServiceName": service(func(s *pb.ServiceChange) []byte { return s.GetName() }),
			"ImagePath":   service(func(s *pb.ServiceChange) []byte { return s.GetImagePath() }),
			"AccountName": service(func(s *pb.ServiceChange) []byte { return s.GetAccount() }),
			"ServiceType": func(v *View) (string, bool) { return v.hexadecimal(uint64(v.ev.GetServiceChange().GetType())) },
			"StartType":   func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetServiceChange().GetStart())) },
		})},
		"event_log_record": eventLog(),
	}
}

// wmi numbers the three steps of a permanent subscription as Sysmon does.
func wmi() shape {
	text := func(read func(w *pb.WmiActivity) []byte) accessor {
		return func(v *View) (string, bool) { return presentBytes(read(v.ev.GetWmiActivity())) }
	}
	step := func(filter, consumer, binding string) accessor {
		return func(v *View) (string, bool) {
			switch strings.ToLower(v.ev.GetWmiActivity().GetOperation()) {
			case "filter", "wmifilterevent":
				return filter, true
			case "consumer", "wmiconsumerevent":
				return consumer, true
			case "binding", "wmibindingevent":
				return binding, true
			}
			return "", false
		}
	}
	return shape{fields: table{
		"EventID":        step("19", "20", "21"),
		"EventType":      step("WmiFilterEvent", "WmiConsumerEvent", "WmiBindingEvent"),
		"UtcTime":        actor()["UtcTime"],
		"Operation":      func(v *View) (string, bool) { return present(v.ev.GetWmiActivity().GetOperation()) },
		"User":           text(func(w *pb.WmiActivity) []byte { return w.GetUser() }),
		"EventNamespace": text(func(w *pb.WmiActivity) []byte { return w.GetNamespace() }),
		"Query":          text(func(w *pb.WmiActivity) []byte { return w.GetQuery() }),
		"Consumer":       text(func(w *pb.WmiActivity) []byte { return w.GetConsumer() }),
		"Filter":         text(func(w *pb.WmiActivity) []byte { return w.GetFilter() }),
		"Destination":    text(func(w *pb.WmiActivity) []byte { return w.GetDestination() }),
		"ClientMachine":  text(func(w *pb.WmiActivity) []byte { return w.GetClientMachine() }),
	}}
}
