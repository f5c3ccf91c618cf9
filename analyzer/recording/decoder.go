package recording

import "encoding/binary"

const (
	// maxDepth is how deeply objects and lists can be nested: as in encoding/json.
	maxDepth = 10_000
	// maxShownName bounds the names, put together of many, that people are shown.
	maxShownName = 4096
)

// Decoder makes events of JSON texts, one record after another. It allocates nothing once its buffers have grown to what the
// records need. It is not safe for concurrent use.
//
// It takes the texts that encoding/json takes and gives them the same meaning: of two members of an object with the same name
// the last counts, what is not UTF-8 becomes U+FFFD. Numbers stay as they are written.
type Decoder struct {
	record  Record
	fields  *fieldTable
	path    []byte // of the object that is being read, with a dot at its end
	name    []byte // a decoded name
	given   []byte // the name that a Data element gives itself
	objects uint32
	depth   int
	last    int32 // entry of the name read last at the top
	named   int32 // value with the name of the element that is being read, or -1

	visit   func(name, value string) bool
	stopped bool
}

// NewDecoder makes a decoder for records with these fields, the names of which are distinct; their numbers are those of
// Record.Field.
func NewDecoder(fields []string) *Decoder {
	d := &Decoder{named: -1}
	d.rebind(fields)
	d.record.each = eachJSON
	return d
}

// rebind changes the fields.
func (d *Decoder) rebind(fields []string) {
	d.fields, d.last = newFieldTable(fields), -1
	d.record.bind(d.fields)
}

// Record is what the last call of Decode gave.
func (d *Decoder) Record() *Record { return &d.record }

// Decode reads a line with one record. The line must stay as it is for as long as the record is used. After an error the
// record is not to be used.
func (d *Decoder) Decode(line []byte) error {
	end, err := d.decode(line)
	if err != nil {
		return err
	}
	if end = skipSpace(line, end); end < len(line) {
		return fail(end, errTrailing)
	}
	return nil
}

// decode reads the record at the beginning of a text and gives the position behind it.
func (d *Decoder) decode(text []byte) (int, error) {
	d.record.reset(text)
	d.record.marks.reset(text)
	d.objects, d.depth, d.path, d.named = 0, 0, d.path[:0], -1
	i := skipSpace(text, 0)
	if i >= len(text) {
		return 0, fail(len(text), errEnd)
	}
	if text[i] != '{' {
		return 0, fail(i, errNotObject)
	}
	return d.top(i + 1)
}

// eachJSON reads the document once more, with names.
func eachJSON(r *Record, visit func(name, value string) bool) {
	d := NewDecoder(nil)
	d.visit = visit
	_, _ = d.decode(r.doc) // it was read before without an error
}

// key reads the name of a member and the colon behind it. It gives the name's text, decoded, and the position of the value.
func (d *Decoder) key(i int) (name []byte, next int, err error) {
	b := d.record.doc
	if i >= len(b) {
		return nil, 0, fail(len(b), errEnd)
	}
	if b[i] != '"' {
		return nil, 0, fail(i, errKey)
	}
	end := d.record.marks.stringEnd(i + 1)
	if end < 0 {
		return nil, 0, d.record.marks.fault(i + 1)
	}
	name = b[i+1 : end]
	if plainRun(name, 0) < len(name) {
		d.name = appendDecoded(d.name[:0], name)
		name = d.name
	}
	next, err = d.colon(end + 1)
	return name, next, err
}

// colon steps over the colon between a name and its value.
func (d *Decoder) colon(i int) (int, error) {
	b := d.record.doc
	if i >= len(b) || b[i] != ':' {
		if i = skipSpace(b, i); i >= len(b) {
			return 0, fail(len(b), errEnd)
		}
		if b[i] != ':' {
			return 0, fail(i, errColon)
		}
	}
	if i++; i < len(b) && b[i] <= ' ' {
		i = skipSpace(b, i)
	}
	if i >= len(b) {
		return 0, fail(len(b), errEnd)
	}
	return i, nil
}

// comma steps over what follows a member or item: more says that another one comes.
func (d *Decoder) comma(i int, closing byte) (next int, more bool, err error) {
	b := d.record.doc
	if i < len(b) && b[i] <= ' ' {
		i = skipSpace(b, i)
	}
	if i >= len(b) {
		return 0, false, fail(len(b), errEnd)
	}
	switch b[i] {
	case ',':
		if i++; i < len(b) && b[i] <= ' ' {
			i = skipSpace(b, i)
		}
		return i, true, nil
	case closing:
		return i + 1, false, nil
	}
	return 0, false, fail(i, errComma)
}

// scalar reads a string, number, true, false or null and gives the position behind it.
func (d *Decoder) scalar(i int) (v value, next int, err error) {
	b := d.record.doc
	if b[i] == '"' {
		end := d.record.marks.stringEnd(i + 1)
		if end < 0 {
			return value{}, 0, d.record.marks.fault(i + 1)
		}
		return value{from: uint32(i + 1), to: uint32(end), kind: quoted}, end + 1, nil
	}
	end, k, err := scanScalar(b, i)
	return value{from: uint32(i), to: uint32(end), kind: k}, end, err
}

// enter begins an object or list: empty ones are over at once.
func (d *Decoder) enter(i int, closing byte) (next int, empty bool, err error) {
	b := d.record.doc
	if d.depth++; d.depth > maxDepth {
		return 0, false, fail(i-1, errDepth)
	}
	if i < len(b) && b[i] <= ' ' {
		i = skipSpace(b, i)
	}
	if i < len(b) && b[i] == closing {
		d.depth--
		return i + 1, true, nil
	}
	return i, false, nil
}

// top reads the members of the record's outermost object. What comes next is often what came next in the record before.
func (d *Decoder) top(i int) (int, error) {
	b := d.record.doc
	i, empty, err := d.enter(i, '}')
	if empty || err != nil {
		return i, err
	}
	d.objects++
	from := origin{object: d.objects, rank: 1}
	for more := true; more; {
		at, next := d.guess(i)
		if at < 0 {
			if at, next, err = d.topName(i); err != nil {
				return 0, err
			}
		}
		d.last, i = at, next
		switch {
		case i >= len(b):
			return 0, fail(len(b), errEnd)
		case b[i] == '"':
			end := d.record.marks.stringEnd(i + 1)
			if end < 0 {
				return 0, d.record.marks.fault(i + 1)
			}
			d.topScalar(at, value{from: uint32(i + 1), to: uint32(end), kind: quoted}, from)
			i = end + 1
		case b[i] == '{' || b[i] == '[':
			if at >= 0 {
				d.path = append(d.path[:0], d.fields.entries[at].name...)
			}
			if i, err = d.topContainer(i, from); err != nil {
				return 0, err
			}
		default:
			end, k, err := scanScalar(b, i)
			if err != nil {
				return 0, err
			}
			d.topScalar(at, value{from: uint32(i), to: uint32(end), kind: k}, from)
			i = end
		}
		if i+1 < len(b) && b[i] == ',' && b[i+1] == '"' {
			i++
			continue
		}
		if i, more, err = d.comma(i, '}'); err != nil {
			return 0, err
		}
	}
	d.depth--
	return i, nil
}

// guess gives the entry of the name at i, if it is one of those that are expected there, and the position of the value.
func (d *Decoder) guess(i int) (at int32, next int) {
	if d.last < 0 {
		return -1, 0
	}
	b, expected := d.record.doc, &d.fields.entries[d.last].next
	if i+8 > len(b) {
		return -1, 0
	}
	head := binary.LittleEndian.Uint64(b[i:])
	for n, at := range expected {
		if at < 0 {
			break
		}
		e := &d.fields.entries[at]
		if len(e.start) >= 8 && e.head != head {
			continue
		}
		if next = i + len(e.start); next > len(b) || string(b[i:next]) != e.start {
			continue
		}
		if n > 0 {
			expected[n], expected[n-1] = expected[n-1], at
		}
		if next < len(b) && b[next] <= ' ' {
			next = skipSpace(b, next)
		}
		return at, next
	}
	return -1, 0
}

// topName reads a name at the top. A name without an entry is put in the path.
func (d *Decoder) topName(i int) (at int32, next int, err error) {
	name, next, err := d.key(i)
	if err != nil {
		return -1, 0, err
	}
	if at = d.fields.lookup(name); at < 0 {
		d.path = append(d.path[:0], name...)
	} else if d.last >= 0 && d.fields.entries[at].start != "" {
		expected := &d.fields.entries[d.last].next
		copy(expected[1:], expected[:guesses-1])
		expected[0] = at
	}
	return at, next, nil
}

// topScalar files a value under the name of an entry or, without one, shows it under the name in the path.
func (d *Decoder) topScalar(at int32, v value, from origin) {
	n := d.record.add(v)
	if at < 0 {
		if d.visit != nil {
			d.see(d.path, n)
		}
		return
	}
	e := &d.fields.entries[at]
	if d.visit != nil {
		d.see([]byte(e.name), n)
		return
	}
	if e.slot >= 0 {
		d.record.put(e.slot, n, from)
	}
	if e.alias >= 0 {
		from.rank = e.aliasRank
		d.record.put(e.alias, n, from)
	}
}

// see shows a value.
func (d *Decoder) see(name []byte, n int32) {
	if len(name) > maxShownName {
		name = name[:maxShownName]
	}
	if !d.stopped {
		d.stopped = !d.visit(string(name), d.record.text(n))
	}
}

// store files a value under a name.
func (d *Decoder) store(name []byte, n int32, from origin) {
	if d.visit != nil {
		d.see(name, n)
		return
	}
	if len(name) > d.fields.longest {
		return
	}
	at := d.fields.lookup(name)
	if at < 0 {
		return
	}
	d.record.file(&d.fields.entries[at], n, from)
}

// object reads the members of an object the name of which, with a dot behind it, is in the path. Its members have dotted
// names; one with fewer parts counts more, so that a name that itself has a dot wins over one put together.
func (d *Decoder) object(i int, from origin) (int, error) {
	i, empty, err := d.enter(i, '}')
	if empty || err != nil {
		return i, err
	}
	prefix := len(d.path)
	d.objects++
	from.object = d.objects
	from.rank = min(from.rank+1, aliasRank-1)
	for more := true; more; {
		var name []byte
		if name, i, err = d.key(i); err != nil {
			return 0, err
		}
		d.path = append(d.path[:prefix], name...)
		if i, err = d.any(i, from); err != nil {
			return 0, err
		}
		if i, more, err = d.comma(i, '}'); err != nil {
			return 0, err
		}
	}
	d.path = d.path[:prefix]
	d.depth--
	return i, nil
}

// any reads a value the name of which is in the path.
func (d *Decoder) any(i int, from origin) (int, error) {
	switch d.record.doc[i] {
	case '{':
		d.path = append(d.path, '.')
		return d.object(i+1, from)
	case '[':
		return d.list(i+1, from)
	}
	v, next, err := d.scalar(i)
	if err != nil {
		return 0, err
	}
	d.store(d.path, d.record.add(v), from)
	return next, nil
}

// list reads the items of a list the name of which is in the path. Lists in lists are one list.
func (d *Decoder) list(i int, from origin) (int, error) {
	i, empty, err := d.enter(i, ']')
	if empty || err != nil {
		return i, err
	}
	b, prefix := d.record.doc, len(d.path)
	if from.list == 0 {
		d.objects++
		from.list = d.objects
	}
	for more := true; more; {
		if i >= len(b) {
			return 0, fail(len(b), errEnd)
		}
		if i, err = d.any(i, from); err != nil {
			return 0, err
		}
		d.path = d.path[:prefix]
		if i, more, err = d.comma(i, ']'); err != nil {
			return 0, err
		}
	}
	d.depth--
	return i, nil
}
