package evtx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// The tokens of binary XML. More data of the same element may follow one that has the bit moreFlag as well.
const (
	tokenEnd               = 0x00
	tokenOpenElement       = 0x01
	tokenCloseStart        = 0x02
	tokenCloseEmpty        = 0x03
	tokenEndElement        = 0x04
	tokenValue             = 0x05
	tokenAttribute         = 0x06
	tokenCDATA             = 0x07
	tokenCharRef           = 0x08
	tokenEntityRef         = 0x09
	tokenInstructionTarget = 0x0a
	tokenInstructionData   = 0x0b
	tokenTemplate          = 0x0c
	tokenSubstitution      = 0x0d
	tokenOptional          = 0x0e
	tokenFragment          = 0x0f

	moreFlag = 0x40
)

// Bounds on what a record can make of few bytes: templates can be used again and again, within each other too. A unit of
// work is one token, or eight bytes of text. A chunk of ordinary events takes some 50,000.
const (
	maxRecordWork = 1 << 16
	maxChunkWork  = 1 << 20
	maxLevel      = 16
	maxDepth      = 128
	maxName       = 256
)

var (
	errWork  = errors.New("expands to more than a record can have")
	errShort = errors.New("a part reaches beyond the end of its record")
)

// value is one of those that a template is filled in with, at [from, to) of the chunk.
type value struct {
	kind     byte
	from, to int
}

// name is an element's or attribute's, with the bytes that it takes where it stands.
type name struct {
	text string
	size int
}

// decoder turns binary XML into elements. What it gives is overwritten by its next document.
type decoder struct {
	chunk      []byte
	names      map[int]name
	known      map[string]string
	workLeft   int
	chunkWork  int
	elements   []Element
	attributes []Attribute
	values     []value
	repeats    []span
	open       []int
	text       []byte
}

func (d *decoder) reset(chunk []byte) {
	if d.names == nil {
		d.names, d.known = make(map[int]name), make(map[string]string)
	}
	clear(d.names)
	if len(d.known) > 4096 {
		clear(d.known)
	}
	d.chunk, d.chunkWork = chunk, maxChunkWork
}

// document decodes a record's XML at [from, to) of the chunk.
func (d *decoder) document(from, to int) ([]Element, error) {
	d.elements, d.attributes, d.values = d.elements[:0], d.attributes[:0], d.values[:0]
	d.repeats, d.open, d.text = d.repeats[:0], d.open[:0], d.text[:0]
	d.workLeft = min(maxRecordWork, d.chunkWork)
	budget := d.workLeft
	err := d.fragment(fragment{pos: from, end: to, dependency: true})
	d.chunkWork -= budget - d.workLeft
	if err != nil {
		return nil, err
	}
	if len(d.elements) == 0 {
		return nil, errors.New("has no XML")
	}
	for i := range d.attributes {
		a := &d.attributes[i]
		a.Value = d.text[a.value.from:a.value.to]
	}
	for i := range d.elements {
		e := &d.elements[i]
		e.Attributes = d.attributes[e.attributes.from:e.attributes.to]
		e.Text = d.text[e.text.from:e.text.to]
	}
	return d.elements, nil
}

// fragment is a run of tokens that is being read.
type fragment struct {
	pos, end int
	// values of the template that this is the text of: [first, first+count) of the decoder's.
	first, count int
	level        int
	// dependency says that elements begin with the number of the value that they depend on. Those that stand in for a value
	// do not.
	dependency bool
	base       int // of the elements open outside
	attribute  attributeState
}

// attributeState says whether text belongs to an attribute.
type attributeState uint8

const (
	inContent attributeState = iota
	inAttribute
	inOmittedAttribute
)

func (d *decoder) fragment(f fragment) error {
	if f.level > maxLevel {
		return errors.New("has templates nested too deeply")
	}
	f.base = len(d.open)
	for f.pos < f.end {
		if d.workLeft--; d.workLeft < 0 {
			return errWork
		}
		token := d.chunk[f.pos]
		if token == tokenEnd {
			break
		}
		if err := d.token(&f, token&^moreFlag, token&moreFlag != 0); err != nil {
			return err
		}
	}
	for len(d.open) > f.base {
		d.closeElement(&f)
	}
	return nil
}

func (d *decoder) token(f *fragment, token byte, more bool) error {
	switch token {
	case tokenOpenElement:
		return d.openElement(f, more)
	case tokenCloseStart:
		f.attribute = inContent
		f.pos++
	case tokenCloseEmpty, tokenEndElement:
		f.attribute = inContent
		f.pos++
		d.closeElement(f)
	case tokenAttribute:
		return d.openAttribute(f)
	case tokenValue:
		if f.pos+2 > f.end || d.chunk[f.pos+1] != typeString {
			return fmt.Errorf("has literal text of an unknown type at %d", f.pos)
		}
		f.pos += 2
		return d.literal(f, true)
	case tokenCDATA:
		f.pos++
		return d.literal(f, true)
	case tokenInstructionData:
		f.pos++
		return d.literal(f, false)
	case tokenCharRef:
		if f.pos+3 > f.end {
			return errShort
		}
		var text [utf8.UTFMax]byte
		n := utf8.EncodeRune(text[:], rune(binary.LittleEndian.Uint16(d.chunk[f.pos+1:])))
		f.pos += 3
		return d.addText(f, typeANSI, text[:n])
	case tokenEntityRef:
		name, next, ok := d.nameAt(f.pos+1, f.end)
		if !ok {
			return errShort
		}
		f.pos = next
		return d.addText(f, typeANSI, []byte(entity(name)))
	case tokenInstructionTarget:
		_, next, ok := d.nameAt(f.pos+1, f.end)
		if !ok {
			return errShort
		}
		f.pos = next
	case tokenTemplate:
		return d.template(f)
	case tokenSubstitution, tokenOptional:
		return d.substitute(f, token == tokenOptional)
	case tokenFragment:
		f.pos += 4
	default:
		return fmt.Errorf("has the unknown token 0x%02x at %d", token, f.pos)
	}
	return nil
}

func entity(name string) string {
	switch name {
	case "lt":
		return "<"
	case "gt":
		return ">"
	case "amp":
		return "&"
	case "quot":
		return `"`
	case "apos":
		return "'"
	}
	return "&" + name + ";"
}

// nameAt reads the reference at pos to a name, and steps over the name too when that is the place where it is kept.
func (d *decoder) nameAt(pos, end int) (text string, next int, ok bool) {
	if pos+4 > end {
		return "", 0, false
	}
	at := int(binary.LittleEndian.Uint32(d.chunk[pos:]))
	pos += 4
	n, known := d.names[at]
	if !known {
		if n, ok = d.readName(at); !ok {
			return "", 0, false
		}
		d.names[at] = n
	}
	if at == pos {
		pos += n.size
	}
	return n.text, pos, pos <= end
}

func (d *decoder) readName(at int) (name, bool) {
	const header = 8 // the next name with the same hash, the hash, the length
	if at < chunkHeaderSize || at+header > len(d.chunk) {
		return name{}, false
	}
	length := int(binary.LittleEndian.Uint16(d.chunk[at+6:]))
	end := at + header + 2*length
	if length == 0 || length > maxName || end+2 > len(d.chunk) || d.chunk[end] != 0 || d.chunk[end+1] != 0 {
		return name{}, false
	}
	var buffer [3 * maxName]byte
	text := appendUTF16(buffer[:0], d.chunk[at+header:end])
	known, ok := d.known[string(text)]
	if !ok {
		known = string(text)
		d.known[known] = known
	}
	return name{text: known, size: end + 2 - at}, true
}

func (d *decoder) openElement(f *fragment, attributes bool) error {
	const size = 4
	start := f.pos + 1
	if f.dependency {
		start += 2
	}
	text, next, ok := d.nameAt(start+size, f.end)
	if !ok {
		// Some writers do it the other way round.
		if start++; f.dependency {
			start = f.pos + 1
		} else {
			start++
		}
		if text, next, ok = d.nameAt(start+size, f.end); !ok {
			return fmt.Errorf("has an element without a name at %d", f.pos)
		}
	}
	if attributes {
		next += 4
	}
	if len(d.open) >= maxDepth {
		return errors.New("has elements nested too deeply")
	}
	f.pos, f.attribute = next, inContent
	n := len(d.attributes)
	d.open = append(d.open, len(d.elements))
	d.elements = append(d.elements, Element{
		Name: text, Depth: len(d.open) - 1, attributes: span{n, n}, repeats: span{-1, -1},
	})
	return nil
}

// closeElement ends the innermost element, if the fragment has one open.
func (d *decoder) closeElement(f *fragment) {
	if len(d.open) <= f.base {
		return
	}
	at := d.open[len(d.open)-1]
	d.open = d.open[:len(d.open)-1]
	e := d.elements[at]
	if e.omitted {
		d.elements = d.elements[:at]
		return
	}
	for i := e.repeats.from + 1; i < e.repeats.to; i++ {
		e.text = d.repeats[i]
		d.elements = append(d.elements, e)
	}
}

func (d *decoder) openAttribute(f *fragment) error {
	text, next, ok := d.nameAt(f.pos+1, f.end)
	if !ok {
		return fmt.Errorf("has an attribute without a name at %d", f.pos)
	}
	if len(d.open) <= f.base {
		return errors.New("has an attribute outside of an element")
	}
	e := &d.elements[d.open[len(d.open)-1]]
	if e.attributes.to != len(d.attributes) {
		return errors.New("has an attribute behind the content of its element")
	}
	d.attributes = append(d.attributes, Attribute{Name: text, value: span{len(d.text), len(d.text)}})
	e.attributes.to++
	f.pos, f.attribute = next, inAttribute
	return nil
}

// literal reads text that stands in the XML itself.
func (d *decoder) literal(f *fragment, keep bool) error {
	if f.pos+2 > f.end {
		return errShort
	}
	from := f.pos + 2
	to := from + 2*int(binary.LittleEndian.Uint16(d.chunk[f.pos:]))
	if to > f.end {
		return errShort
	}
	f.pos = to
	if !keep {
		return nil
	}
	return d.addText(f, typeString, d.chunk[from:to])
}

// addText appends a value to the text of the attribute or the element that is open.
func (d *decoder) addText(f *fragment, kind byte, data []byte) error {
	if f.attribute == inOmittedAttribute || len(d.open) == 0 {
		return nil
	}
	if d.workLeft -= len(data) / 8; d.workLeft < 0 {
		return errWork
	}
	var text *span
	if f.attribute == inAttribute {
		text = &d.attributes[len(d.attributes)-1].value
	} else {
		text = &d.elements[d.open[len(d.open)-1]].text
	}
	if text.to != len(d.text) {
		// Something inside the element came between.
		if d.workLeft -= (text.to - text.from) / 8; d.workLeft < 0 {
			return errWork
		}
		from := len(d.text)
		d.text = append(d.text, d.text[text.from:text.to]...)
		text.from = from
	}
	d.text = appendValue(d.text, kind, data)
	text.to = len(d.text)
	return nil
}
