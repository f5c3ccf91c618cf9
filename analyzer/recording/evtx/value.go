package evtx

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The types of values. An array has the bit arrayFlag as well.
const (
	typeNull       = 0x00
	typeString     = 0x01
	typeANSI       = 0x02
	typeInt8       = 0x03
	typeUint8      = 0x04
	typeInt16      = 0x05
	typeUint16     = 0x06
	typeInt32      = 0x07
	typeUint32     = 0x08
	typeInt64      = 0x09
	typeUint64     = 0x0a
	typeReal32     = 0x0b
	typeReal64     = 0x0c
	typeBool       = 0x0d
	typeBinary     = 0x0e
	typeGUID       = 0x0f
	typeSize       = 0x10
	typeFileTime   = 0x11
	typeSystemTime = 0x12
	typeSID        = 0x13
	typeHexInt32   = 0x14
	typeHexInt64   = 0x15
	typeBinXML     = 0x21

	arrayFlag = 0x80
)

// width gives the number of bytes of a value of a type that has always as many, and zero for others.
func width(kind byte) int {
	switch kind {
	case typeInt8, typeUint8:
		return 1
	case typeInt16, typeUint16:
		return 2
	case typeInt32, typeUint32, typeReal32, typeBool, typeHexInt32:
		return 4
	case typeInt64, typeUint64, typeReal64, typeFileTime, typeHexInt64:
		return 8
	case typeGUID, typeSystemTime:
		return 16
	}
	return 0
}

// appendValue appends a value that is no array as Windows writes it in XML. A value that is not as its type asks, or of a type
// that is not known, is written as Windows writes bytes: one odd value costs no event.
func appendValue(dst []byte, kind byte, data []byte) []byte {
	if len(data) < width(kind) {
		return appendBytes(dst, data)
	}
	switch kind {
	case typeNull:
		return dst
	case typeString:
		return appendUTF16(dst, data)
	case typeANSI:
		return appendANSI(dst, data)
	case typeInt8:
		return strconv.AppendInt(dst, int64(int8(data[0])), 10)
	case typeUint8:
		return strconv.AppendUint(dst, uint64(data[0]), 10)
	case typeInt16:
		return strconv.AppendInt(dst, int64(int16(binary.LittleEndian.Uint16(data))), 10)
	case typeUint16:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint16(data)), 10)
	case typeInt32:
		return strconv.AppendInt(dst, int64(int32(binary.LittleEndian.Uint32(data))), 10)
	case typeUint32:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(data)), 10)
	case typeInt64:
		return strconv.AppendInt(dst, int64(binary.LittleEndian.Uint64(data)), 10)
	case typeUint64:
		return strconv.AppendUint(dst, binary.LittleEndian.Uint64(data), 10)
	case typeReal32:
		return appendReal(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(data))), 32)
	case typeReal64:
		return appendReal(dst, math.Float64frombits(binary.LittleEndian.Uint64(data)), 64)
	case typeBool:
		return strconv.AppendBool(dst, binary.LittleEndian.Uint32(data) != 0)
	case typeGUID:
		return appendGUID(dst, data)
	case typeFileTime:
		return fileTime(binary.LittleEndian.Uint64(data)).AppendFormat(dst, "2006-01-02T15:04:05.0000000Z")
	case typeSystemTime:
		return appendSystemTime(dst, data)
	case typeSID:
		return appendSID(dst, data)
	case typeHexInt32:
		return appendHex(dst, uint64(binary.LittleEndian.Uint32(data)))
	case typeHexInt64:
		return appendHex(dst, binary.LittleEndian.Uint64(data))
	case typeSize:
		switch len(data) {
		case 4:
			return appendHex(dst, uint64(binary.LittleEndian.Uint32(data)))
		case 8:
			return appendHex(dst, binary.LittleEndian.Uint64(data))
		}
	}
	return appendBytes(dst, data)
}

// items splits an array into its items; each is given to yield. An array of a type that is not known is one item.
func items(kind byte, data []byte, yield func(item []byte)) {
	switch w := width(kind); {
	case kind == typeString:
		for len(data) >= 2 {
			end := 0
			for end+2 <= len(data) && (data[end] != 0 || data[end+1] != 0) {
				end += 2
			}
			yield(data[:end])
			data = data[min(end+2, len(data)):]
		}
	case kind == typeANSI:
		for len(data) > 0 {
			end := 0
			for end < len(data) && data[end] != 0 {
				end++
			}
			yield(data[:end])
			data = data[min(end+1, len(data)):]
		}
	case kind == typeSID:
		for len(data) >= 8 {
			size := min(8+4*int(data[1]), len(data))
			yield(data[:size])
			data = data[size:]
		}
	case w > 0:
		for len(data) >= w {
			yield(data[:w])
			data = data[w:]
		}
	default:
		yield(data)
	}
}

// appendUTF16 appends text up to its first NUL, where Windows takes it to end.
func appendUTF16(dst, data []byte) []byte {
	for i := 0; i+1 < len(data); i += 2 {
		unit := rune(data[i]) | rune(data[i+1])<<8
		switch {
		case unit == 0:
			return dst
		case unit < utf8.RuneSelf:
			dst = append(dst, byte(unit))
		case !utf16.IsSurrogate(unit):
			dst = utf8.AppendRune(dst, unit)
		default:
			r := rune(utf8.RuneError)
			if i+3 < len(data) {
				r = utf16.DecodeRune(unit, rune(data[i+2])|rune(data[i+3])<<8)
			}
			if r != utf8.RuneError {
				i += 2
			}
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

// appendANSI appends text of an unknown code page: UTF-8 where it is that, else Latin 1.
func appendANSI(dst, data []byte) []byte {
	for i, c := range data {
		if c == 0 {
			data = data[:i]
			break
		}
	}
	if utf8.Valid(data) {
		return append(dst, data...)
	}
	for _, c := range data {
		dst = utf8.AppendRune(dst, rune(c))
	}
	return dst
}

func appendHex(dst []byte, v uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), v, 16)
}

func appendReal(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(dst, "1.#INF"...)
	case math.IsInf(v, -1):
		return append(dst, "-1.#INF"...)
	case math.IsNaN(v):
		return append(dst, "-1.#IND"...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, bits)
}

const hexDigits = "0123456789ABCDEF"

func appendBytes(dst, data []byte) []byte {
	for _, c := range data {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

func appendGUID(dst, data []byte) []byte {
	dst = append(dst, '{')
	for i, at := range [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15} {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[data[at]>>4], hexDigits[data[at]&15])
	}
	return append(dst, '}')
}

func appendSystemTime(dst, data []byte) []byte {
	part := func(at, digits int, before string) {
		text := strconv.Itoa(int(binary.LittleEndian.Uint16(data[at:])))
		dst = append(dst, before...)
		for range digits - len(text) {
			dst = append(dst, '0')
		}
		dst = append(dst, text...)
	}
	part(0, 4, "")
	part(2, 2, "-")
	part(6, 2, "-")
	part(8, 2, "T")
	part(10, 2, ":")
	part(12, 2, ":")
	part(14, 3, ".")
	return append(dst, 'Z')
}

func appendSID(dst, data []byte) []byte {
	if len(data) < 8 || len(data) < 8+4*int(data[1]) {
		return appendBytes(dst, data)
	}
	dst = strconv.AppendUint(append(dst, "S-"...), uint64(data[0]), 10)
	authority := uint64(binary.BigEndian.Uint16(data[2:]))<<32 | uint64(binary.BigEndian.Uint32(data[4:]))
	dst = append(dst, '-')
	if authority < 1<<32 {
		dst = strconv.AppendUint(dst, authority, 10)
	} else {
		dst = appendHex(dst, authority)
	}
	for i := range int(data[1]) {
		dst = strconv.AppendUint(append(dst, '-'), uint64(binary.LittleEndian.Uint32(data[8+4*i:])), 10)
	}
	return dst
}
