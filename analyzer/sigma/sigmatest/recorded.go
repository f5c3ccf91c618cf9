package sigmatest

import (
	"archive/zip"
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// RegressionEvents gives the recorded events of the corpus folder sigma/regression: Windows events in JSON, one or several a
// file. The Name of each is the path of its file, whose base is the id of the rule that it belongs to.
func RegressionEvents(tb testing.TB) []*Event {
	tb.Helper()
	var events []*Event
	walk(tb, Corpus(tb, "sigma/regression"), ".json", func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		decoder := json.NewDecoder(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff")))
		decoder.UseNumber()
		for {
			var record struct{ Event map[string]any }
			if err := decoder.Decode(&record); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("cannot read event: %w", err)
			}
			ev := NewEvent()
			ev.Name = path
			for _, section := range slices.Sorted(maps.Keys(record.Event)) {
				if section != "#attributes" {
					ev.flatten("", record.Event[section])
				}
			}
			ev.Sources = windowsSources(ev)
			events = append(events, ev)
		}
	})
	return events
}

// LaneEvents gives recorded events of the corpus folder otrf: JSON lines inside zip files, every field at the top. It takes
// every nth line, so that a small sample has something of each file; n is at least 1.
func LaneEvents(tb testing.TB, nth int) []*Event {
	tb.Helper()
	var events []*Event
	walk(tb, Corpus(tb, "otrf"), ".zip", func(path string) error {
		archive, err := zip.OpenReader(path)
		if err != nil {
			return err
		}
		defer archive.Close()
		for _, file := range archive.File {
			// Some of the archives carry a Mac's attributes beside each file.
			if !strings.HasSuffix(file.Name, ".json") || strings.HasPrefix(file.Name, "__MACOSX") {
				continue
			}
			lines, err := file.Open()
			if err != nil {
				return err
			}
			err = eachLine(lines, nth, func(line []byte) error {
				decoder := json.NewDecoder(strings.NewReader(string(line)))
				decoder.UseNumber()
				var record map[string]any
				if err := decoder.Decode(&record); err != nil {
					return fmt.Errorf("cannot read event %.100q: %w", line, err)
				}
				ev := NewEvent()
				ev.Name = path
				ev.flatten("", record)
				if ev.Values["Provider_Name"] == "" {
					ev.Values["Provider_Name"] = ev.Values["SourceName"]
				}
				ev.Sources = windowsSources(ev)
				events = append(events, ev)
				return nil
			})
			lines.Close()
			if err != nil {
				return err
			}
		}
		return nil
	})
	return events
}

func walk(tb testing.TB, dir, suffix string, read func(path string) error) {
	tb.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		if err := read(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func eachLine(r io.Reader, nth int, do func(line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for n := 0; lines.Scan(); n++ {
		if n%nth != 0 || len(lines.Bytes()) == 0 {
			continue
		}
		if err := do(lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// flatten takes up a JSON value under a name: a member of an object goes by its own name, an attribute by that of its
// element and its own (Provider_Name).
func (e *Event) flatten(name string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			switch key {
			case "#attributes":
				if attributes, ok := value[key].(map[string]any); ok && name != "" {
					for attribute, text := range attributes {
						e.flatten(name+"_"+attribute, text)
					}
				}
			case "#text":
				e.flatten(name, value[key])
			default:
				e.flatten(key, value[key])
			}
		}
	case []any:
		for _, element := range value {
			e.flatten(name, element)
		}
	case nil:
		e.add(name, "")
	default:
		e.add(name, fmt.Sprint(value))
	}
}

func (e *Event) add(name, value string) {
	if _, ok := e.Values[name]; !ok {
		e.Values[name] = value
		return
	}
	if e.Lists == nil {
		e.Lists = make(map[string][]string)
	}
	e.Lists[name] = append(e.Lists[name], value)
}

// windowsSources gives log sources by channel and event id: roughly, for comparing engines rather than for detecting.
func windowsSources(ev *Event) []rule.Logsource {
	channel := strings.ToLower(ev.Values["Channel"])
	windows := func(category, service string) rule.Logsource {
		return rule.Logsource{Category: category, Product: "windows", Service: service}
	}
	var sources []rule.Logsource
	switch channel {
	case "microsoft-windows-sysmon/operational":
		sources = append(sources, windows("", "sysmon"))
		for _, category := range sysmonCategories(ev.Values["EventID"]) {
			sources = append(sources, windows(category, ""))
		}
	case "windows powershell":
		sources = append(sources, windows("", "powershell-classic"), windows("ps_classic_start", ""), windows("ps_classic_provider_start", ""))
	case "microsoft-windows-powershell/operational":
		sources = append(sources, windows("", "powershell"))
		switch ev.Values["EventID"] {
		case "4103":
			sources = append(sources, windows("ps_module", ""))
		case "4104":
			sources = append(sources, windows("ps_script", ""))
		}
	case "microsoft-windows-windows defender/operational":
		sources = append(sources, windows("", "windefend"))
	default:
		service := strings.TrimPrefix(channel, "microsoft-windows-")
		service, _, _ = strings.Cut(service, "/")
		sources = append(sources, windows("", service))
		if channel == "security" && ev.Values["EventID"] == "4688" {
			sources = append(sources, windows("process_creation", ""))
		}
	}
	return sources
}

func sysmonCategories(eventID string) []string {
	return map[string][]string{
		"1":   {"process_creation"},
		"2":   {"file_change"},
		"3":   {"network_connection"},
		"4":   {"sysmon_status"},
		"5":   {"process_termination"},
		"6":   {"driver_load"},
		"7":   {"image_load"},
		"8":   {"create_remote_thread"},
		"9":   {"raw_access_thread"},
		"10":  {"process_access"},
		"11":  {"file_event"},
		"12":  {"registry_add", "registry_delete", "registry_event"},
		"13":  {"registry_set", "registry_event"},
		"14":  {"registry_rename", "registry_event"},
		"15":  {"create_stream_hash"},
		"17":  {"pipe_created"},
		"18":  {"pipe_created"},
		"19":  {"wmi_event"},
		"20":  {"wmi_event"},
		"21":  {"wmi_event"},
		"22":  {"dns_query"},
		"23":  {"file_delete"},
		"25":  {"process_tampering"},
		"26":  {"file_delete"},
		"255": {"sysmon_error"},
	}[eventID]
}
