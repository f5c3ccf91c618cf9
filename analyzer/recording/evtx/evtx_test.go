package evtx

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// read gives the XML of each record, with a line for each damage.
func read(tb testing.TB, file []byte) []string {
	tb.Helper()
	r, err := New(bytes.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	var lines []string
	for {
		record, err := r.Next()
		var damage *Damage
		switch {
		case errors.As(err, &damage):
			lines = append(lines, err.Error())
		case errors.Is(err, io.EOF):
			return lines
		case err != nil:
			tb.Fatal(err)
		default:
			lines = append(lines, xmlText(record))
		}
	}
}

// xmlText writes a record without escaping.
func xmlText(record *Record) string {
	var b strings.Builder
	var open []string
	closeTo := func(depth int) {
		for len(open) > depth {
			b.WriteString("</" + open[len(open)-1] + ">")
			open = open[:len(open)-1]
		}
	}
	for _, e := range record.Elements {
		closeTo(e.Depth)
		b.WriteString("<" + e.Name)
		for _, a := range e.Attributes {
			b.WriteString(" " + a.Name + "='" + string(a.Value) + "'")
		}
		b.WriteString(">" + string(e.Text))
		open = append(open, e.Name)
	}
	closeTo(0)
	return b.String()
}

func TestXML(t *testing.T) {
	f := func(name, want string, content func(b *builder)) {
		t.Helper()
		b := newBuilder()
		b.record(func() { content(b) })
		if diff := cmp.Diff([]string{want}, read(t, b.file())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	f("elements and text", "<Event><A x='1'>b</A><C></C></Event>", func(b *builder) {
		b.open("Event").inside().openWith("A", "x").literal("1").inside().literal("b").end()
		b.open("C").bytes(tokenCloseEmpty).end()
	})
	f("characters", "<Event>a<&é;]</Event>", func(b *builder) {
		b.open("Event").inside().literal("a")
		b.bytes(tokenEntityRef | moreFlag).name("lt").bytes(tokenEntityRef | moreFlag).name("amp")
		b.bytes(tokenCharRef).u16('é').bytes(tokenCDATA).u16(2).bytes(wideText(";]")...).end()
	})
	f("instructions say nothing", "<Event></Event>", func(b *builder) {
		b.bytes(tokenInstructionTarget).name("x").bytes(tokenInstructionData).u16(1).bytes(wideText("y")...)
		b.open("Event").inside().end()
	})
	f("a template", "<Event a='7'>x</Event>", func(b *builder) {
		b.template(func() {
			b.openWith("Event", "a").bytes(tokenSubstitution).u16(1).bytes(typeUint8).inside()
			b.bytes(tokenSubstitution).u16(0).bytes(typeString).end()
		}, filling{typeString, wideText("x")}, filling{typeUint8, []byte{7}})
	})
	f("optional values that are null take their element or attribute away", "<Event><B></B><D>1</D></Event>", func(b *builder) {
		b.template(func() {
			b.open("Event").inside()
			b.open("A").inside().bytes(tokenOptional).u16(0).bytes(typeString).end()
			b.openWith("B", "x").bytes(tokenOptional).u16(0).bytes(typeString).inside().end()
			b.open("D").inside().bytes(tokenOptional).u16(1).bytes(typeUint8).end().end()
		}, filling{typeNull, nil}, filling{typeUint8, []byte{1}})
	})
	f("an array repeats its element", "<Event><Data n='v'>a</Data><Data n='v'></Data><Data n='v'>b</Data></Event>", func(b *builder) {
		b.template(func() {
			b.open("Event").inside().openWith("Data", "n").literal("v").inside()
			b.bytes(tokenSubstitution).u16(0).bytes(typeString | arrayFlag).end().end()
		}, filling{typeString | arrayFlag, wideText("a\x00\x00b\x00")})
	})
	f("a template inside of an element", "<Event><Inner>z</Inner></Event>", func(b *builder) {
		b.open("Event").inside()
		b.template(func() {
			b.open("Inner").inside().bytes(tokenSubstitution).u16(0).bytes(typeString).end()
		}, filling{typeString, wideText("z")}).end()
	})
	f("a value that is XML", "<Event><Inner>q</Inner></Event>", func(b *builder) {
		nested := valueAt(b, func(n *builder) {
			n.openBare("Inner").inside().literal("q").end().bytes(tokenEnd)
		})
		b.template(func() {
			b.open("Event").inside().bytes(tokenOptional).u16(0).bytes(typeBinXML).end()
		}, nested)
	})
}

// valueAt gives a value with binary XML the names of which refer to the place where the value will stand: at the end of the
// record that a template with one value for an <Event> makes.
func valueAt(b *builder, content func(n *builder)) filling {
	trial := &builder{chunk: bytes.Clone(b.chunk)}
	trial.template(func() {
		trial.open("Event").inside().bytes(tokenOptional).u16(0).bytes(typeBinXML).end()
	}, filling{typeBinXML, nil})
	start := trial.mark()
	content(trial)
	return filling{typeBinXML, trial.chunk[start:]}
}

func TestValues(t *testing.T) {
	f := func(kind byte, data, want string) {
		t.Helper()
		raw, err := hex.DecodeString(strings.ReplaceAll(data, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(appendValue(nil, kind, raw)); got != want {
			t.Errorf("type 0x%02x, %s: %q, want %q", kind, data, got, want)
		}
	}
	f(typeNull, "", "")
	f(typeString, "4100 e900 3dd8 00de", "Aé😀")
	f(typeString, "4100 0000 4200", "A")
	f(typeString, "3dd8 4100 00de", "\ufffdA\ufffd")
	f(typeANSI, "41 e9 00 42", "Aé")
	f(typeANSI, "41 c3a9", "Aé")
	f(typeInt8, "ff", "-1")
	f(typeUint8, "ff", "255")
	f(typeInt16, "ffff", "-1")
	f(typeUint16, "5012", "4688")
	f(typeInt32, "feffffff", "-2")
	f(typeUint32, "ffffffff", "4294967295")
	f(typeInt64, "0000000000000080", "-9223372036854775808")
	f(typeUint64, "ffffffffffffffff", "18446744073709551615")
	f(typeReal32, "0000c03f", "1.5")
	f(typeReal64, "000000000000f07f", "1.#INF")
	f(typeReal64, "000000000000f0ff", "-1.#INF")
	f(typeReal64, "010000000000f07f", "-1.#IND")
	f(typeBool, "01000000", "true")
	f(typeBool, "00000000", "false")
	f(typeBinary, "00ab 7f", "00AB7F")
	f(typeGUID, "25968454 7854 9449 a5ba 3e3b0328c30d", "{54849625-5478-4994-A5BA-3E3B0328C30D}")
	f(typeSize, "10000000", "0x10")
	f(typeSize, "1000000000000000", "0x10")
	f(typeFileTime, "875651d5deb19d01", "1970-01-01T00:00:00.1234567Z")
	f(typeFileTime, "0000000000000000", "1601-01-01T00:00:00.0000000Z")
	f(typeSystemTime, "e407 0700 0000 1300 0600 2800 1f00 0900", "2020-07-19T06:40:31.009Z")
	f(typeSID, "01 01 000000000005 12000000", "S-1-5-18")
	f(typeSID, "01 02 000000000005 20000000 20020000", "S-1-5-32-544")
	f(typeSID, "01 00 010000000000", "S-1-0x10000000000")
	f(typeHexInt32, "39301400", "0x143039")
	f(typeHexInt64, "0000000000002080", "0x8020000000000000")
	// What is not as its type asks is shown as bytes.
	f(typeSID, "01 05 0000", "01050000")
	f(typeUint32, "0102", "0102")
	f(0x55, "0102", "0102")
}

func TestArrays(t *testing.T) {
	f := func(kind byte, data []byte, want ...string) {
		t.Helper()
		var got []string
		items(kind, data, func(item []byte) { got = append(got, string(appendValue(nil, kind, item))) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("type 0x%02x (-want +got):\n%s", kind, diff)
		}
	}
	f(typeString, wideText("a\x00\x00bc\x00"), "a", "", "bc")
	f(typeString, wideText("a"), "a")
	f(typeString, nil)
	f(typeANSI, []byte("a\x00b\x00"), "a", "b")
	f(typeUint16, []byte{1, 0, 2, 0}, "1", "2")
	f(typeSID, []byte{1, 0, 0, 0, 0, 0, 0, 5, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}, "S-1-5", "S-1-5-18")
	f(typeBinXML, []byte{1, 2}, "0102")
}

func TestRecordHeader(t *testing.T) {
	b := newBuilder()
	b.record(func() { b.open("Event").inside().end() })
	r, err := New(bytes.NewReader(b.file()))
	if err != nil {
		t.Fatal(err)
	}
	record, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	written := time.Date(2019, 4, 17, 18, 40, 0, 0, time.UTC)
	if record.ID != 1 || record.Offset != fileHeaderSize+chunkHeaderSize || !record.Written.Equal(written) {
		t.Errorf("record %d at %d of %v", record.ID, record.Offset, record.Written)
	}
}

func TestDamage(t *testing.T) {
	event := func(b *builder, name string) {
		b.record(func() { b.open(name).inside().end() })
	}
	f := func(name string, damage func(b *builder, file []byte) []byte, want ...string) {
		t.Helper()
		b := newBuilder()
		event(b, "One")
		event(b, "Two")
		event(b, "Three")
		if diff := cmp.Diff(want, read(t, damage(b, b.file()))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	one, two, three := "<One></One>", "<Two></Two>", "<Three></Three>"
	const chunk = fileHeaderSize
	second := func(file []byte) int { return chunk + chunkHeaderSize + int(file[chunk+chunkHeaderSize+4]) }
	f("none", func(_ *builder, file []byte) []byte { return file }, one, two, three)
	f("the file's header", func(_ *builder, file []byte) []byte {
		file[50] = 1
		return file
	}, "offset 0: the checksum of the file's header is wrong", one, two, three)
	f("the chunk's header", func(_ *builder, file []byte) []byte {
		file[chunk+60] = 1
		return file
	}, "offset 4096: the checksum of a chunk's header is wrong", one, two, three)
	f("no chunk", func(_ *builder, file []byte) []byte {
		file[chunk] = 0
		return file
	}, "offset 4096: a chunk does not begin as it should; looking for records in it", one, two, three)
	f("a record's content", func(_ *builder, file []byte) []byte {
		file[second(file)+recordHeaderSize] = 0x1f
		return file
	}, "offset 4096: the checksum of a chunk's records is wrong", one,
		"offset 4670: record 2: has the unknown token 0x1f at 598", three)
	f("a record's header", func(_ *builder, file []byte) []byte {
		file[second(file)] = 0
		return file
	}, "offset 4096: the checksum of a chunk's records is wrong", one, "offset 4670: 62 bytes are no record", three)
	f("zeros", func(_ *builder, file []byte) []byte {
		clear(file[second(file) : second(file)+62])
		return file
	}, "offset 4096: the checksum of a chunk's records is wrong", one, "offset 4670: 62 zero bytes between records", three)
	f("cut off within a record", func(b *builder, file []byte) []byte {
		return file[:chunk+len(b.chunk)-10]
	}, "offset 4096: the file ends within a chunk, after 692 of 65536 bytes", one, two, "offset 4732: 56 bytes are no record")
	f("cut off within the header", func(_ *builder, file []byte) []byte {
		return file[:100]
	}, "offset 0: the file ends within its header")
	f("a chunk that was never used", func(_ *builder, file []byte) []byte {
		return append(file, make([]byte, chunkSize)...)
	}, one, two, three)
	f("records of a former use", func(_ *builder, file []byte) []byte {
		b := newBuilder()
		b.id = 10
		event(b, "One")
		short := b.file()
		copy(short[chunk+len(b.chunk):], file[second(file):])
		return short
	}, one)
	f("records of a former use behind a header that says nothing", func(_ *builder, file []byte) []byte {
		b := newBuilder()
		b.id = 10
		event(b, "One")
		short := b.file()
		copy(short[chunk+len(b.chunk):], file[second(file):])
		short[chunk+124]++
		return short
	}, "offset 4096: the checksum of a chunk's header is wrong", one)
	f("records that the header does not know yet", func(_ *builder, file []byte) []byte {
		b := newBuilder()
		event(b, "One")
		short := b.file()
		copy(short[chunk+len(b.chunk):], file[second(file):])
		return short
	}, one, two, three)
}

func TestFormat(t *testing.T) {
	for _, text := range []string{"", "ElfFile", strings.Repeat("x", 10_000)} {
		if _, err := New(strings.NewReader(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%.10q: %v", text, err)
		}
	}
}

// TestExpansion has small files that ask for much: what they ask for is refused before it takes memory or time.
func TestExpansion(t *testing.T) {
	f := func(name string, content func(b *builder)) {
		t.Helper()
		b := newBuilder()
		b.record(func() { content(b) })
		b.record(func() { b.open("Event").inside().end() })
		lines := read(t, b.file())
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "offset") || lines[1] != "<Event></Event>" {
			t.Errorf("%s: %.200q", name, lines)
		}
	}
	f("one value many times", func(b *builder) {
		b.template(func() {
			b.open("Event").inside()
			for range 5000 {
				b.bytes(tokenSubstitution).u16(0).bytes(typeString)
			}
			b.end()
		}, filling{typeString, wideText(strings.Repeat("x", 10_000))})
	})
	f("elements inside each other", func(b *builder) {
		for range 1000 {
			b.open("E").inside()
		}
	})
	f("a template inside itself", func(b *builder) {
		at := b.mark() + 10
		b.template(func() { b.open("E").inside().again(at).again(at).end() })
	})
}

func FuzzReader(f *testing.F) {
	b := newBuilder()
	b.record(func() {
		b.template(func() {
			b.openWith("Event", "a").bytes(tokenSubstitution).u16(1).bytes(typeUint8).inside()
			b.open("Data").inside().bytes(tokenOptional).u16(0).bytes(typeString | arrayFlag).end().end()
		}, filling{typeString | arrayFlag, wideText("x\x00y\x00")}, filling{typeGUID, make([]byte, 16)})
	})
	b.record(func() { b.open("Event").inside().literal("text").bytes(tokenEntityRef).name("lt").end() })
	f.Add(b.chunk[chunkHeaderSize:])
	f.Add([]byte{})
	// The fuzzer changes the records; headers that fit are put around them.
	f.Fuzz(func(t *testing.T, records []byte) {
		if len(records) > chunkSize-chunkHeaderSize {
			return
		}
		b := newBuilder()
		b.bytes(records...)
		start := time.Now()
		read(t, b.file())
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("%d bytes take %v", len(records), took)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	built := newBuilder()
	built.record(func() {
		built.template(func() {
			built.open("Event").inside()
			for i := range 20 {
				built.openWith("Data", "Name").literal("Field").inside()
				built.bytes(tokenSubstitution).u16(i).bytes(typeString).end()
			}
			built.end()
		}, repeat(20)...)
	})
	at := chunkHeaderSize + recordHeaderSize + 4 + 10
	for range 40 {
		built.record(func() { built.again(at, repeat(20)...) })
	}
	file := built.file()
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		r, err := New(bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Next(); err != nil {
				break
			}
			records++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
}

func repeat(n int) []filling {
	values := make([]filling, n)
	for i := range values {
		values[i] = filling{typeString, wideText(`C:\Windows\System32\x.exe`)}
	}
	return values
}
