package fields

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The types of registry values that Sysmon tells apart.
const (
	regSZ       = 1
	regExpandSZ = 2
	regDWORD    = 4
	regMultiSZ  = 7
	regQWORD    = 11
)

func windowsRegistryShapes() map[string]shape {
	key := func(eventID, eventType string, operations []string, extra table) shape {
		return numbered(eventID, windowsActor(), table{
			"EventType":    constant(eventType),
			"TargetObject": func(v *View) (string, bool) { return presentBytes(v.ev.GetRegistryKey().GetKey()) },
		}, extra).only(func(v *View) bool { return isOne(v.ev.GetRegistryKey().GetOperation(), operations) })
	}
	value := func(eventID, eventType string, operations []string, extra table) shape {
		return numbered(eventID, windowsActor(), table{"EventType": constant(eventType), "TargetObject": valuePath}, extra).
			only(func(v *View) bool { return isOne(v.ev.GetRegistryValue().GetOperation(), operations) })
	}
	return map[string]shape{
		"registry_add":    key("12", "CreateKey", []string{"create", "CreateKey"}, nil),
		"registry_delete": key("12", "DeleteKey", []string{"delete", "DeleteKey"}, nil),
		"registry_rename": key("14", "RenameKey", []string{"rename", "RenameKey"}, table{
			"NewName": func(v *View) (string, bool) { return presentBytes(v.ev.GetRegistryKey().GetNewName()) },
		}),
		"registry_set":          value("13", "SetValue", []string{"set", "SetValue"}, table{"Details": details}),
		"registry_delete_value": value("12", "DeleteValue", []string{"delete", "DeleteValue"}, nil),
	}
}

func isOne(word string, words []string) bool {
	for _, w := range words {
		if strings.EqualFold(word, w) {
			return true
		}
	}
	return false
}

func valuePath(v *View) (string, bool) {
	r := v.ev.GetRegistryValue()
	switch {
	case len(r.GetKey()) == 0:
		return "", false
	case len(r.GetValueName()) == 0:
		return v.joined(r.GetKey(), `\`, []byte("(Default)"))
	}
	return v.joined(r.GetKey(), `\`, r.GetValueName())
}

// details gives the data of a registry value in the form that Sysmon has.
func details(v *View) (string, bool) {
	r := v.ev.GetRegistryValue()
	if len(r.GetDetails()) > 0 {
		return borrow(r.GetDetails()), true
	}
	data := r.GetData()
	if len(data) == 0 && r.GetDataSize() > 0 {
		return "", false
	}
	start := len(v.arena)
	switch {
	case r.GetType() == regDWORD && len(data) == 4:
		v.arena = fmt.Appendf(v.arena, "DWORD (0x%08x)", binary.LittleEndian.Uint32(data))
	case r.GetType() == regQWORD && len(data) == 8:
		v.arena = fmt.Appendf(v.arena, "QWORD (0x%08x-0x%08x)", binary.LittleEndian.Uint32(data[4:]), binary.LittleEndian.Uint32(data))
	case len(data) == 0:
		v.arena = append(v.arena, "(Empty)"...)
	case r.GetType() == regSZ || r.GetType() == regExpandSZ || r.GetType() == regMultiSZ:
		v.arena = appendUTF16(v.arena, data)
	default:
		v.arena = append(v.arena, "Binary Data"...)
	}
	return v.made(start)
}

// appendUTF16 appends little-endian UTF-16 as UTF-8, up to its closing zeros; the zeros between the texts of a list become
// semicolons.
func appendUTF16(dst, data []byte) []byte {
	for len(data) >= 2 && data[len(data)&^1-1] == 0 && data[len(data)&^1-2] == 0 {
		data = data[:len(data)&^1-2]
	}
	for i := 0; i+1 < len(data); i += 2 {
		r := rune(binary.LittleEndian.Uint16(data[i:]))
		if utf16.IsSurrogate(r) && i+3 < len(data) {
			if whole := utf16.DecodeRune(r, rune(binary.LittleEndian.Uint16(data[i+2:]))); whole != utf8.RuneError {
				r = whole
				i += 2
			}
		}
		if r == 0 {
			r = ';'
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
