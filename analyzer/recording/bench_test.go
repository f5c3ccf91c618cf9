package recording

import (
	"archive/zip"
	"bufio"
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/sigmatest"
)

// flatLines gives every nth line of the corpus's recordings in flat JSON lines.
func flatLines(tb testing.TB, nth int) [][]byte {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(sigmatest.Corpus(tb, "otrf"), "*", "host", "*.zip"))
	if err != nil {
		tb.Fatal(err)
	}
	var lines [][]byte
	n := 0
	for _, path := range paths {
		archive, err := zip.OpenReader(path)
		if err != nil {
			tb.Fatal(err)
		}
		for _, file := range archive.File {
			if strings.HasPrefix(file.Name, "__MACOSX") {
				continue
			}
			stream, err := file.Open()
			if err != nil {
				tb.Fatal(err)
			}
			scanner := bufio.NewScanner(bufio.NewReaderSize(stream, 1<<20))
			for last := min(sampleSize(), math.MaxInt-n) + n; n < last && scanner.Scan(); n++ {
				if n%nth == 0 {
					lines = append(lines, []byte(scanner.Text()))
				}
			}
			_ = stream.Close()
		}
		_ = archive.Close()
	}
	return lines
}

// ruleFields are the names that most of SigmaHQ's rules for Windows read.
func ruleFields() []string {
	return strings.Fields(`Image CommandLine OriginalFileName EventID ParentImage TargetObject TargetFilename Details
		ScriptBlockText ImageLoaded Provider_Name ParentCommandLine Description Product Hashes Initiated ImagePath Data
		ServiceName SourceImage TargetImage QueryName IntegrityLevel ObjectName User Payload DestinationHostname Company
		ProcessName ObjectType DestinationPort GrantedAccess PipeName RelativeTargetName ServiceFileName DestinationIp
		CallTrace TargetUserName ShareName SubjectUserName Signed LogonType ContextInfo FileName AccessMask IpAddress
		CurrentDirectory AccessList SignatureStatus Path NewValue AttributeLDAPDisplayName EventType TaskName Contents
		AttributeValue ObjectClass LogonProcessName param1 SubjectUserSid Channel Computer Level Task Keywords Message`)
}

func BenchmarkDecode(b *testing.B) {
	lines := flatLines(b, 37)
	var size int
	for _, line := range lines {
		size += len(line)
	}
	size /= len(lines)
	b.Logf("%d lines of %d bytes", len(lines), size)

	run := func(name string, decode func(line []byte) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			n := 0
			for b.Loop() {
				if err := decode(lines[n]); err != nil {
					b.Fatal(err)
				}
				if n++; n == len(lines) {
					n = 0
				}
			}
		})
	}
	fields := ruleFields()
	d := NewDecoder(fields)
	run("decode", d.Decode)
	run("decode and fields", func(line []byte) error {
		err := d.Decode(line)
		for n := range fields {
			d.Record().Field(n)
		}
		return err
	})
	var values []string
	run("decode and all values", func(line []byte) error {
		err := d.Decode(line)
		values = d.Record().AppendValues(values[:0])
		return err
	})
	run("encoding json", func(line []byte) error {
		var event map[string]any
		return json.Unmarshal(line, &event)
	})
	b.Run("ratio", func(b *testing.B) {
		var ours, theirs time.Duration
		n := 0
		for b.Loop() {
			start := time.Now()
			if err := d.Decode(lines[n]); err != nil {
				b.Fatal(err)
			}
			middle := time.Now()
			var event map[string]any
			if err := json.Unmarshal(lines[n], &event); err != nil {
				b.Fatal(err)
			}
			ours, theirs = ours+middle.Sub(start), theirs+time.Since(middle)
			if n++; n == len(lines) {
				n = 0
			}
		}
		b.ReportMetric(float64(theirs)/float64(ours), "times-encoding/json")
	})
}
