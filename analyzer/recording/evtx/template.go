package evtx

import (
	"encoding/binary"
	"fmt"
)

// template reads an instance of a template: where its text is, and the values to fill in.
func (d *decoder) template(f *fragment) error {
	const instanceHeader, definitionHeader = 10, 24
	next := f.pos + instanceHeader
	if next > f.end {
		return errShort
	}
	at := int(binary.LittleEndian.Uint32(d.chunk[f.pos+6:]))
	if at < chunkHeaderSize || at+definitionHeader > len(d.chunk) {
		return fmt.Errorf("has a template at %d, outside of its chunk", at)
	}
	from := at + definitionHeader
	size := int(binary.LittleEndian.Uint32(d.chunk[at+20:]))
	if size > len(d.chunk)-from {
		return fmt.Errorf("has a template of %d bytes at %d, beyond its chunk", size, at)
	}
	if at == next {
		next = from + size
	}
	if next+4 > f.end {
		return errShort
	}
	count := int(binary.LittleEndian.Uint32(d.chunk[next:]))
	next += 4
	if count > (f.end-next)/4 {
		return fmt.Errorf("has a template with %d values", count)
	}
	if d.workLeft -= count; d.workLeft < 0 {
		return errWork
	}
	first := len(d.values)
	data := next + 4*count
	for i := range count {
		descriptor := d.chunk[next+4*i:]
		end := data + int(binary.LittleEndian.Uint16(descriptor))
		if end > f.end {
			return errShort
		}
		d.values = append(d.values, value{kind: descriptor[2], from: data, to: end})
		data = end
	}
	f.pos = data
	err := d.fragment(fragment{
		pos: from, end: from + size, first: first, count: count, level: f.level + 1, dependency: true,
	})
	d.values = d.values[:first]
	return err
}

// substitute puts in one of the values. Where an optional one is null, the element or attribute around it is left out.
func (d *decoder) substitute(f *fragment, optional bool) error {
	if f.pos+4 > f.end {
		return errShort
	}
	index := int(binary.LittleEndian.Uint16(d.chunk[f.pos+1:]))
	f.pos += 4
	var v value
	if index < f.count {
		v = d.values[f.first+index]
	}
	switch {
	case v.kind == typeNull && optional:
		d.omit(f)
		return nil
	case v.kind == typeBinXML && f.attribute == inContent:
		return d.fragment(fragment{pos: v.from, end: v.to, level: f.level + 1})
	case v.kind&arrayFlag != 0:
		return d.substituteArray(f, v)
	}
	return d.addText(f, v.kind, d.chunk[v.from:v.to])
}

func (d *decoder) omit(f *fragment) {
	switch {
	case len(d.open) <= f.base:
	case f.attribute == inAttribute:
		d.attributes = d.attributes[:len(d.attributes)-1]
		d.elements[d.open[len(d.open)-1]].attributes.to--
		f.attribute = inOmittedAttribute
	case f.attribute == inContent:
		d.elements[d.open[len(d.open)-1]].omitted = true
	}
}

// substituteArray puts in an array: the element around it is repeated for each item. In an attribute they stand side by side.
func (d *decoder) substituteArray(f *fragment, v value) error {
	kind := v.kind &^ arrayFlag
	var err error
	if f.attribute != inContent || len(d.open) <= f.base {
		separator := ""
		items(kind, d.chunk[v.from:v.to], func(item []byte) {
			if err == nil {
				err = d.addText(f, typeANSI, []byte(separator))
			}
			if err == nil {
				err = d.addText(f, kind, item)
			}
			separator = ","
		})
		return err
	}
	before := len(d.repeats)
	items(kind, d.chunk[v.from:v.to], func(item []byte) {
		if d.workLeft -= 1 + len(item)/8; d.workLeft < 0 {
			err = errWork
			return
		}
		from := len(d.text)
		d.text = appendValue(d.text, kind, item)
		d.repeats = append(d.repeats, span{from, len(d.text)})
	})
	e := &d.elements[d.open[len(d.open)-1]]
	if len(d.repeats) > before {
		e.text = d.repeats[before]
		e.repeats = span{before, len(d.repeats)}
	}
	return err
}
