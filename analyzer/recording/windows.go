package recording

import "bytes"

// The parts of a Windows event, as its XML has them, and the objects that JSON makes of XML.
const (
	eventPart      = "Event"
	systemPart     = "System"
	eventDataPart  = "EventData"
	userDataPart   = "UserData"
	dataElement    = "Data"
	attributesKey  = "#attributes"
	textKey        = "#text"
	namespaceName  = "xmlns"
	attributesTail = "_attributes"
)

// A record can say the same name twice: the cleared log's Channel stands in the data of a record that itself has a channel.
// A rule means the data, except where the name tells which event this is at all.
const (
	dataRank = iota
	systemRank
	shadowedRank
)

// element is the XML element that an object stands for.
type element struct {
	// name is where in the decoder's path it begins.
	name int
	from origin
	// described elements have their members as attributes: those of System.
	described bool
}

func (d *Decoder) partOrigin(part string) origin {
	d.objects++
	if part == systemPart {
		return origin{object: d.objects, rank: systemRank, joins: true}
	}
	return origin{object: d.objects, rank: dataRank, joins: true}
}

// topContainer reads an object or list at the top of a record; its name is in the path.
func (d *Decoder) topContainer(i int, from origin) (int, error) {
	if d.record.doc[i] == '{' {
		switch string(d.path) {
		case eventPart:
			d.path = append(d.path, '.')
			return d.event(i + 1)
		case "winlog":
			d.path = append(d.path, '.')
			return d.winlog(i + 1)
		case eventDataPart, userDataPart:
			return d.part(i+1, string(d.path))
		case systemPart:
			if b := d.record.doc; bytes.HasPrefix(b[skipSpace(b, i+1):], []byte(`"Provider"`)) {
				return d.part(i+1, systemPart)
			}
		}
	}
	return d.any(i, from)
}

// event reads the members of Event; its name with a dot is in the path.
func (d *Decoder) event(i int) (int, error) {
	i, empty, err := d.enter(i, '}')
	if empty || err != nil {
		return i, err
	}
	prefix := len(d.path)
	from := d.partOrigin(eventPart)
	for more := true; more; {
		var name []byte
		if name, i, err = d.key(i); err != nil {
			return 0, err
		}
		d.path = append(d.path[:prefix], name...)
		part := ""
		if d.record.doc[i] == '{' {
			part = string(name)
		}
		switch part {
		case systemPart, eventDataPart, userDataPart:
			i, err = d.part(i+1, part)
		case attributesKey:
			i, err = d.attributes(i+1, element{name: prefix, from: from})
		default:
			i, err = d.any(i, from)
		}
		if err != nil {
			return 0, err
		}
		if i, more, err = d.comma(i, '}'); err != nil {
			return 0, err
		}
	}
	d.depth--
	return i, nil
}

// part reads the members of System, EventData or UserData.
func (d *Decoder) part(i int, name string) (int, error) {
	d.record.windows = true
	start := len(d.path)
	d.path = append(d.path, name...)
	return d.element(i, element{name: start, from: d.partOrigin(name)})
}

// winlog reads the members of the object in which Winlogbeat puts an event; its name with a dot is in the path.
func (d *Decoder) winlog(i int) (int, error) {
	i, empty, err := d.enter(i, '}')
	if empty || err != nil {
		return i, err
	}
	d.record.windows = true
	prefix := len(d.path)
	from := d.partOrigin(systemPart)
	for more := true; more; {
		var name []byte
		if name, i, err = d.key(i); err != nil {
			return 0, err
		}
		switch known := winlogName(name); {
		case known == eventDataPart && d.record.doc[i] == '{':
			i, err = d.part(i+1, eventDataPart)
		case known != "" && known != eventDataPart:
			i, err = d.member(i, element{name: prefix, from: from}, []byte(known))
		default:
			d.path = append(d.path[:prefix], name...)
			i, err = d.any(i, from)
		}
		if err != nil {
			return 0, err
		}
		d.path = d.path[:prefix]
		if i, more, err = d.comma(i, '}'); err != nil {
			return 0, err
		}
	}
	d.depth--
	return i, nil
}

// winlogName gives the Windows name of a member of winlog, or an empty text.
func winlogName(name []byte) string {
	switch string(name) {
	case "event_data", "user_data":
		return eventDataPart
	case "channel":
		return channelField
	case "provider_name":
		return providerField
	case "event_id":
		return eventIDField
	case "computer_name":
		return "Computer"
	case "provider_guid":
		return "Provider_Guid"
	case "record_id":
		return "EventRecordID"
	}
	return ""
}

// element reads the members of an object that stands for an XML element: other elements, attributes and text. The element's
// name is the end of the path; it is cut off in the end.
func (d *Decoder) element(i int, e element) (int, error) {
	i, empty, err := d.enter(i, '}')
	if empty || err != nil {
		d.path = d.path[:e.name]
		return i, err
	}
	d.objects++
	e.from.object = d.objects
	outer := d.named
	d.named = -1
	base, textFrom, textTo := len(d.path), 0, 0
	for more := true; more; {
		var name []byte
		if name, i, err = d.key(i); err != nil {
			return 0, err
		}
		c := d.record.doc[i]
		stem, described := bytes.CutSuffix(name, []byte(attributesTail))
		switch {
		case string(name) == textKey || e.described && string(name) == "Value":
			textFrom = len(d.record.values)
			i, err = d.texts(i)
			textTo = len(d.record.values)
		case string(name) == attributesKey && c == '{':
			i, err = d.attributes(i+1, e)
		case len(name) > 1 && (name[0] == '@' || name[0] == '-'):
			i, err = d.attribute(i, e, name[1:])
		case e.described && c != '{' && c != '[':
			i, err = d.attribute(i, e, name)
		case described && c == '{':
			d.path = append(d.path, stem...)
			i, err = d.attributes(i+1, element{name: base, from: e.from})
		default:
			i, err = d.member(i, e, name)
		}
		if err != nil {
			return 0, err
		}
		d.path = d.path[:base]
		if i, more, err = d.comma(i, '}'); err != nil {
			return 0, err
		}
	}
	d.depth--
	d.nameTexts(e, textFrom, textTo)
	d.named = outer
	d.path = d.path[:e.name]
	return i, nil
}

// member reads an element, or several of the same name in a list, inside another.
func (d *Decoder) member(i int, outer element, name []byte) (int, error) {
	inner := element{name: len(d.path), from: outer.from, described: outer.from.rank == systemRank}
	d.path = append(d.path, name...)
	return d.elements(i, inner)
}

// elements reads what is the content of an element, the name of which is the end of the path.
func (d *Decoder) elements(i int, e element) (int, error) {
	switch d.record.doc[i] {
	case '{':
		return d.element(i+1, e)
	case '[':
	default:
		v, next, err := d.scalar(i)
		if err == nil {
			d.store(d.path[e.name:], d.record.add(v), e.from)
			d.path = d.path[:e.name]
		}
		return next, err
	}
	i, empty, err := d.enter(i+1, ']')
	if empty || err != nil {
		return i, err
	}
	end := len(d.path)
	if e.from.list == 0 {
		d.objects++
		e.from.list = d.objects
	}
	for more := true; more; {
		if i >= len(d.record.doc) {
			return 0, fail(i, errEnd)
		}
		// Reading an item cuts the name off the path, but leaves it where it was.
		name := d.path[e.name:end]
		if i, err = d.elements(i, e); err != nil {
			return 0, err
		}
		d.path = append(d.path[:e.name], name...)
		if i, more, err = d.comma(i, ']'); err != nil {
			return 0, err
		}
	}
	d.depth--
	return i, nil
}

// attributes reads an object with the attributes of an element.
func (d *Decoder) attributes(i int, e element) (int, error) {
	i, empty, err := d.enter(i, '}')
	if empty || err != nil {
		return i, err
	}
	for more := true; more; {
		var name []byte
		if name, i, err = d.key(i); err != nil {
			return 0, err
		}
		if i, err = d.attribute(i, e, name); err != nil {
			return 0, err
		}
		if i, more, err = d.comma(i, '}'); err != nil {
			return 0, err
		}
	}
	d.depth--
	return i, nil
}

// attribute reads an attribute's value. It goes by the name of its element, _ and its own; but the attribute Name of a Data
// element is the name of what is inside, and name spaces say nothing.
func (d *Decoder) attribute(i int, e element, name []byte) (int, error) {
	base := len(d.path)
	isName := string(name) == "Name" && string(d.path[e.name:]) == dataElement
	isSpace := bytes.HasPrefix(name, []byte(namespaceName))
	d.path = append(append(d.path, '_'), name...)
	defer func() { d.path = d.path[:base] }()
	if c := d.record.doc[i]; c == '{' || c == '[' {
		return d.any(i, e.from)
	}
	v, next, err := d.scalar(i)
	switch {
	case err != nil || isSpace:
	case isName && v.from < v.to:
		d.named = d.record.add(v)
	default:
		d.store(d.path[e.name:], d.record.add(v), e.from)
	}
	return next, err
}

// texts reads the text of an element, which can be a list, without filing it: its name may not be known yet.
func (d *Decoder) texts(i int) (int, error) {
	switch d.record.doc[i] {
	case '{':
		d.path = append(d.path, '.')
		return d.object(i+1, origin{})
	case '[':
	default:
		v, next, err := d.scalar(i)
		d.record.add(v)
		return next, err
	}
	i, empty, err := d.enter(i+1, ']')
	if empty || err != nil {
		return i, err
	}
	for more := true; more; {
		if i >= len(d.record.doc) {
			return 0, fail(i, errEnd)
		}
		if i, err = d.texts(i); err != nil {
			return 0, err
		}
		if i, more, err = d.comma(i, ']'); err != nil {
			return 0, err
		}
	}
	d.depth--
	return i, nil
}

// nameTexts files the texts of an element once all of its attributes have been seen.
func (d *Decoder) nameTexts(e element, from, to int) {
	name := d.path[e.name:]
	if d.named >= 0 {
		d.given = append(d.given[:0], d.record.text(d.named)...)
		name = d.given
		d.record.values[d.named].kind = null // a name is no value
		if from == to {
			to = len(d.record.values) + 1
			from = int(d.record.add(value{kind: null}))
		}
	}
	d.objects++
	e.from.list = d.objects
	for n := from; n < to; n++ {
		d.store(name, int32(n), e.from)
	}
}
