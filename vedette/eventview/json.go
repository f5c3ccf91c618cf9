// Package eventview shows one event to a reader: as a line of JSON or as a line of text. It knows no event kind for the
// JSON, so a kind that is added to the model is shown at once.
package eventview

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/vedette/term"
)

// Kind is the name of the event's payload in the model, such as "exec"; empty for an event without one.
func Kind(ev *pb.Event) string {
	m := ev.ProtoReflect()
	field := m.WhichOneof(payloads())
	if field == nil {
		return ""
	}
	return string(field.Name())
}

// Kinds lists every kind of the model, in its order.
func Kinds() []string {
	fields := payloads().Fields()
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = string(fields.Get(i).Name())
	}
	return names
}

func payloads() protoreflect.OneofDescriptor {
	return (&pb.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("payload")
}

// JSON gives the event as one line of JSON without its end, safe to print. Names are those of the model. Bytes that are text
// become strings; where they are not valid UTF-8 a second member, with "_base64" added to its name, holds them exactly. Bytes
// that are not text become hexadecimal (hashes) or base64 (contents). batch names host, boot and collector run, which the
// events in it leave out; it may be nil.
func JSON(ev *pb.Event, batch *pb.EventBatch) []byte {
	w := &writer{}
	w.open('{')
	w.member("@timestamp")
	w.text(time.Unix(0, ev.WallTimeNs).UTC().Format(time.RFC3339Nano))
	w.member("kind")
	w.text(Kind(ev))
	if batch != nil {
		w.member("host")
		w.text(batch.Host)
		w.member("boot_id")
		w.text(batch.BootId)
		w.member("instance")
		w.buf.WriteString(strconv.FormatUint(batch.Instance, 10))
	}
	w.fields(ev.ProtoReflect())
	w.close('}')
	return term.EscapeJSON(w.buf.Bytes())
}

// writer appends JSON. first is true where no comma may be written.
type writer struct {
	buf   bytes.Buffer
	first bool
}

func (w *writer) open(bracket byte) {
	w.buf.WriteByte(bracket)
	w.first = true
}

func (w *writer) close(bracket byte) {
	w.buf.WriteByte(bracket)
	w.first = false
}

func (w *writer) comma() {
	if !w.first {
		w.buf.WriteByte(',')
	}
	w.first = false
}

func (w *writer) member(name string) {
	w.comma()
	w.text(name)
	w.buf.WriteByte(':')
}

func (w *writer) text(s string) {
	enc := json.NewEncoder(&w.buf)
	// Command lines are full of <, > and &.
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(fmt.Sprintf("BUG: a string cannot be written as JSON: %v", err))
	}
	w.buf.Truncate(w.buf.Len() - 1)
}

// fields writes what is set in m, in the order of the model.
func (w *writer) fields(m protoreflect.Message) {
	all := m.Descriptor().Fields()
	for i := range all.Len() {
		field := all.Get(i)
		if !m.Has(field) && !zeroMatters(field) {
			continue
		}
		value := m.Get(field)
		if field.Kind() == protoreflect.BytesKind && !field.IsList() {
			w.bytesMember(field, value.Bytes())
			continue
		}
		w.member(string(field.Name()))
		if !field.IsList() {
			w.value(field, value)
			continue
		}
		w.open('[')
		for i := range value.List().Len() {
			w.comma()
			w.value(field, value.List().Get(i))
		}
		w.close(']')
	}
}

// zeroMatters names the numbers whose zero is a statement: root, success, an emptied file, the first of a list of commands.
func zeroMatters(field protoreflect.FieldDescriptor) bool {
	switch field.Name() {
	case "uid", "euid", "suid", "fsuid", "gid", "egid", "sgid", "fsgid", "login_uid", "old_uid", "new_uid", "old_gid", "new_gid":
		return field.Kind() == protoreflect.Uint32Kind
	}
	switch field.FullName() {
	case "vedette.v1.ProcessExit.code", "vedette.v1.FileOpen.flags", "vedette.v1.FileTruncate.old_size", "vedette.v1.FileTruncate.new_size",
		"vedette.v1.MemoryRegion.protection", "vedette.v1.MemoryProtect.old_protection", "vedette.v1.ProcessTrace.request",
		"vedette.v1.HandleSteal.descriptor", "vedette.v1.BpfOperation.command", "vedette.v1.PerfEventOpen.type":
		return true
	}
	return false
}

func (w *writer) value(field protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch field.Kind() {
	case protoreflect.MessageKind:
		w.open('{')
		w.fields(v.Message())
		w.close('}')
	case protoreflect.EnumKind:
		w.text(enumName(field.Enum(), v.Enum()))
	case protoreflect.StringKind:
		w.text(v.String())
	case protoreflect.BytesKind:
		w.text(string(v.Bytes()))
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		number, err := json.Marshal(v.Float())
		if err != nil {
			// JSON has no number for infinity and NaN.
			number = []byte("null")
		}
		w.buf.Write(number)
	default:
		w.buf.WriteString(v.String())
	}
}

// enumName gives PATH_SOURCE_KERNEL of the enum PathSource as "kernel".
func enumName(enum protoreflect.EnumDescriptor, number protoreflect.EnumNumber) string {
	value := enum.Values().ByNumber(number)
	if value == nil {
		return strconv.Itoa(int(number))
	}
	var prefix strings.Builder
	for i, r := range string(enum.Name()) {
		if i > 0 && r >= 'A' && r <= 'Z' {
			prefix.WriteByte('_')
		}
		prefix.WriteRune(r)
	}
	return strings.ToLower(strings.TrimPrefix(string(value.Name()), strings.ToUpper(prefix.String())+"_"))
}

func (w *writer) bytesMember(field protoreflect.FieldDescriptor, b []byte) {
	name := string(field.Name())
	w.member(name)
	switch field.FullName() {
	case "vedette.v1.ProcessExec.arguments", "vedette.v1.ExecFailed.arguments":
		w.open('[')
		for _, argument := range Arguments(b) {
			w.comma()
			w.text(argument)
		}
		w.close(']')
	case "vedette.v1.Endpoint.address":
		if address, ok := netip.AddrFromSlice(b); ok {
			w.text(address.String())
			return
		}
		w.text(hex.EncodeToString(b))
		return
	default:
		switch name {
		case "md5", "sha1", "sha256", "imphash", "thumbprint", "tag":
			w.text(hex.EncodeToString(b))
			return
		case "token", "data", "head", "contents", "config", "raw":
			w.text(base64.StdEncoding.EncodeToString(b))
			return
		}
		w.text(string(b))
	}
	if !utf8.Valid(b) {
		w.member(name + "_base64")
		w.text(base64.StdEncoding.EncodeToString(b))
	}
}

// Arguments splits an argument area at its NULs.
func Arguments(area []byte) []string {
	area = bytes.TrimSuffix(area, []byte{0})
	if len(area) == 0 {
		return nil
	}
	return strings.Split(string(area), "\x00")
}
