package evtx

import (
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// builder makes event logs of one chunk, byte by byte.
type builder struct {
	chunk []byte
	id    uint64
}

func newBuilder() *builder {
	return &builder{chunk: make([]byte, chunkHeaderSize)}
}

func (b *builder) bytes(data ...byte) *builder {
	b.chunk = append(b.chunk, data...)
	return b
}

func (b *builder) u16(n int) *builder {
	b.chunk = binary.LittleEndian.AppendUint16(b.chunk, uint16(n))
	return b
}

func (b *builder) u32(n int) *builder {
	b.chunk = binary.LittleEndian.AppendUint32(b.chunk, uint32(n))
	return b
}

// name puts a reference to a name, and the name itself behind it.
func (b *builder) name(text string) *builder {
	b.u32(len(b.chunk) + 4).u32(0).u16(0).u16(len(text))
	b.chunk = append(b.chunk, wideText(text)...)
	return b.u16(0)
}

func (b *builder) open(name string) *builder {
	return b.bytes(tokenOpenElement).u16(0xffff).u32(0).name(name)
}

// openBare is how elements begin where they stand in for a value.
func (b *builder) openBare(name string) *builder {
	return b.bytes(tokenOpenElement).u32(0).name(name)
}

func (b *builder) openWith(name, attribute string) *builder {
	b.bytes(tokenOpenElement | moreFlag).u16(0xffff).u32(0).name(name).u32(0)
	return b.bytes(tokenAttribute).name(attribute)
}

func (b *builder) literal(text string) *builder {
	b.bytes(tokenValue, typeString).u16(len(text))
	b.chunk = append(b.chunk, wideText(text)...)
	return b
}

func (b *builder) inside() *builder { return b.bytes(tokenCloseStart) }
func (b *builder) end() *builder    { return b.bytes(tokenEndElement) }

type filling struct {
	kind byte
	data []byte
}

// template puts an instance of a template the text of which content writes.
func (b *builder) template(content func(), values ...filling) *builder {
	at := b.bytes(tokenTemplate, 1).u32(0).u32(len(b.chunk) + 4).u32(0).skip(16).mark()
	b.u32(0).bytes(tokenFragment, 1, 1, 0)
	content()
	b.bytes(tokenEnd)
	binary.LittleEndian.PutUint32(b.chunk[at:], uint32(len(b.chunk)-at-4))
	return b.instance(values)
}

// again puts another instance of the template at a position.
func (b *builder) again(at int, values ...filling) *builder {
	return b.bytes(tokenTemplate, 1).u32(0).u32(at).instance(values)
}

func (b *builder) instance(values []filling) *builder {
	b.u32(len(values))
	for _, v := range values {
		b.u16(len(v.data)).bytes(v.kind, 0)
	}
	for _, v := range values {
		b.bytes(v.data...)
	}
	return b
}

func (b *builder) mark() int { return len(b.chunk) }

func (b *builder) skip(n int) *builder { return b.bytes(make([]byte, n)...) }

// record puts a record with what content writes.
func (b *builder) record(content func()) *builder {
	b.id++
	at := b.bytes([]byte(recordSignature)...).mark()
	b.u32(0)
	b.chunk = binary.LittleEndian.AppendUint64(b.chunk, b.id)
	b.chunk = binary.LittleEndian.AppendUint64(b.chunk, 132_000_000_000_000_000)
	b.bytes(tokenFragment, 1, 1, 0)
	content()
	b.bytes(tokenEnd)
	size := len(b.chunk) - at + 8
	binary.LittleEndian.PutUint32(b.chunk[at:], uint32(size))
	return b.u32(size)
}

// file gives the whole log, with right checksums.
func (b *builder) file() []byte {
	file := make([]byte, fileHeaderSize+chunkSize)
	copy(file, fileSignature)
	binary.LittleEndian.PutUint32(file[124:], crc32.ChecksumIEEE(file[:120]))
	chunk := file[fileHeaderSize:]
	copy(chunk, b.chunk)
	copy(chunk, chunkSignature)
	binary.LittleEndian.PutUint32(chunk[48:], uint32(len(b.chunk)))
	binary.LittleEndian.PutUint32(chunk[52:], crc32.ChecksumIEEE(b.chunk[chunkHeaderSize:]))
	checksum := crc32.Update(crc32.ChecksumIEEE(chunk[:120]), crc32.IEEETable, chunk[128:chunkHeaderSize])
	binary.LittleEndian.PutUint32(chunk[124:], checksum)
	return file
}

func wideText(text string) []byte {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return data
}
