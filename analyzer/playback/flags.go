package playback

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Flags are what a command line says of recordings.
type Flags struct{ format, logsource string }

// Add adds the flags to a command's.
func (f *Flags) Add(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&f.format, "format", Auto, "format of the recorded events: auto, evtx, json or capture")
	set.StringVar(&f.logsource, "logsource", "",
		"log source of JSON events that name no channel: product=NAME,category=NAME,service=NAME")
}

// Options gives the options that the flags mean, without fields, or says what is wrong with them.
func (f *Flags) Options() (Options, error) {
	switch f.format {
	case Auto, EVTX, JSON, Capture:
	default:
		return Options{}, fmt.Errorf("unknown format %q; it is %s, %s, %s or %s", f.format, Auto, EVTX, JSON, Capture)
	}
	source, err := parseLogsource(f.logsource)
	return Options{Format: f.format, Logsource: source}, err
}

// parseLogsource reads product=NAME,category=NAME,service=NAME, of which each may be left out.
func parseLogsource(text string) (rule.Logsource, error) {
	var l rule.Logsource
	if text == "" {
		return l, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		value = strings.ToLower(strings.TrimSpace(value))
		if !ok || value == "" {
			return l, fmt.Errorf("the log source %q is not of the form product=NAME,category=NAME,service=NAME", text)
		}
		switch strings.TrimSpace(key) {
		case "product":
			l.Product = value
		case "category":
			l.Category = value
		case "service":
			l.Service = value
		default:
			return l, fmt.Errorf("the log source %q has an unknown part %q; the parts are product, category and service", text, key)
		}
	}
	return l, nil
}
