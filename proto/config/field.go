package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// field is one struct field that a key sets.
type field struct {
	index   []int
	kind    reflect.Type
	example string
}

type fieldSet struct {
	keys  []string // sorted
	byKey map[string]field
}

// examples lists the field types that a configuration may have, with a value to show in remedies.
var examples = map[reflect.Type]string{
	reflect.TypeFor[string]():        `"text"`,
	reflect.TypeFor[bool]():          "true",
	reflect.TypeFor[int]():           "10",
	reflect.TypeFor[uint64]():        "10",
	reflect.TypeFor[time.Duration](): `"5ms"`,
	reflect.TypeFor[Size]():          `"64MiB"`,
	reflect.TypeFor[[]string]():      `["a", "b"]`,
}

// Keys lists the keys that Decode knows for dst, sorted.
func Keys(dst any) ([]string, error) {
	fields, err := fieldsOf(dst)
	return fields.keys, err
}

func fieldsOf(dst any) (fieldSet, error) {
	t := reflect.TypeOf(dst)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct || reflect.ValueOf(dst).IsNil() {
		return fieldSet{}, fmt.Errorf("BUG: configuration is decoded into a pointer to a struct, not %T", dst)
	}
	set := fieldSet{byKey: make(map[string]field)}
	for _, f := range reflect.VisibleFields(t.Elem()) {
		key, tagged := f.Tag.Lookup("config")
		if !tagged {
			continue
		}
		example, supported := examples[f.Type]
		switch {
		case !supported || !f.IsExported():
			return fieldSet{}, fmt.Errorf("BUG: configuration field %s %s cannot be set by a file", f.Name, f.Type)
		case key == "" || strings.ContainsFunc(key, func(r rune) bool { return r > 0x7f || !isKeyByte(byte(r)) }):
			return fieldSet{}, fmt.Errorf("BUG: configuration field %s has the malformed key %q", f.Name, key)
		}
		if _, twice := set.byKey[key]; twice {
			return fieldSet{}, fmt.Errorf("BUG: two configuration fields have the key %q", key)
		}
		set.byKey[key] = field{index: f.Index, kind: f.Type, example: example}
		set.keys = append(set.keys, key)
	}
	slices.Sort(set.keys)
	return set, nil
}

// assign sets dst from v. Its errors continue a sentence that starts with the key.
func (f field) assign(dst reflect.Value, v value) error {
	want := func(kind valueKind, meaning string) error {
		if v.kind == kind {
			return nil
		}
		return fmt.Errorf("wants %s, not %s", meaning, v.kind)
	}
	switch dst.Interface().(type) {
	case string:
		if err := want(kindString, "a string in quotes"); err != nil {
			return err
		}
		dst.SetString(v.text)
	case bool:
		if err := want(kindBool, "true or false"); err != nil {
			return err
		}
		dst.SetBool(v.flag)
	case []string:
		if err := want(kindList, "a list of strings"); err != nil {
			return err
		}
		dst.Set(reflect.ValueOf(v.list))
	case int:
		if err := want(kindNumber, "a whole number"); err != nil {
			return err
		}
		n, err := strconv.Atoi(v.text)
		if err != nil {
			return fmt.Errorf("is out of range: %s", v.text)
		}
		dst.SetInt(int64(n))
	case uint64:
		if err := want(kindNumber, "a whole number"); err != nil {
			return err
		}
		n, err := strconv.ParseUint(v.text, 10, 64)
		if err != nil {
			return fmt.Errorf("must lie between 0 and 18446744073709551615, not %s", v.text)
		}
		dst.SetUint(n)
	case time.Duration:
		if err := want(kindString, "a duration in quotes"); err != nil {
			return err
		}
		d, err := time.ParseDuration(v.text)
		switch {
		case err != nil:
			return fmt.Errorf("wants a duration with a unit (ns, us, ms, s, m, h), not %q", v.text)
		case d < 0:
			return fmt.Errorf("must not be negative: %q", v.text)
		}
		dst.SetInt(int64(d))
	case Size:
		if err := want(kindString, "a size in quotes"); err != nil {
			return err
		}
		n, err := ParseSize(v.text)
		if err != nil {
			return fmt.Errorf("wants a size: %w", err)
		}
		dst.SetUint(uint64(n))
	default:
		return errors.New("BUG: has a type without a decoder")
	}
	return nil
}

// suggest is the remedy for an unknown key: the nearest known one, if any is near, and the list of all.
func (s fieldSet) suggest(key string) string {
	if len(s.keys) == 0 {
		return "remove the line: this file has no keys"
	}
	all := "known keys: " + strings.Join(s.keys, ", ")
	nearest, best := "", max(2, len(key)/3)+1
	for _, known := range s.keys {
		d := distance(strings.ToLower(key), known)
		if strings.HasSuffix(known, "."+key) {
			d = 1 // the right name without its group
		}
		if d < best {
			nearest, best = known, d
		}
	}
	if nearest == "" {
		return all
	}
	return fmt.Sprintf("did you mean %q? %s", nearest, all)
}

// distance is the number of bytes to insert, delete or replace to make b of a. Keys are short; a line-long "key" costs its
// length times that of the known ones.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
