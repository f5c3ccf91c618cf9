// Package eventtime reads the times that stand in events, for the modifiers minute, hour, day, week, month and year. The
// engine and the interpreter both read times here, so that they cannot disagree about which forms are times.
//
// These forms are read, and no others; nothing may stand before or behind them:
//
//   - A date: year, month and day with four, two and two digits, joined by - or / (2006-01-02, 2006/01/02).
//   - A date and a time: behind the date a T, a t or a space, then hour and minute, and optionally the second (up to 60, for
//     leap seconds) and a fraction of it of any length behind a point or comma (2006-01-02T15:04:05.1234567).
//   - A date, a time and a zone: Z, z, or a distance from UTC written +01:00, +0100 or +01, each optionally behind a space, or
//     UTC behind a space.
//   - Unix time: 9 to 11 digits are seconds, 12 to 14 milliseconds, 15 to 17 microseconds, 18 or 19 nanoseconds. Behind
//     seconds a point and a fraction may stand (1136214245.123), as in records of auditd.
//
// A date is taken as it is written: no zone is converted, so that the hour is the one a reader of the event sees. Unix time
// is taken in UTC. Dates that leave the order of day and month open (01/02/2006) are no times.
package eventtime

import (
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Part gives a part of the time that text says: the minute 0 to 59, hour 0 to 23, day of the month 1 to 31, ISO 8601 week 1
// to 53, month 1 to 12, or year. It is not ok when text is no time, when it has only a date and the minute or hour is asked
// for, or for NoPart. It allocates nothing.
func Part(text string, part rule.TimePart) (n int64, ok bool) {
	s := scanner{text: text}
	m, ok := s.moment()
	if !ok {
		s = scanner{text: text}
		if m, ok = s.unix(); !ok {
			return 0, false
		}
	}
	switch part {
	case rule.Minute:
		return int64(m.minute), m.hasClock
	case rule.Hour:
		return int64(m.hour), m.hasClock
	case rule.Day:
		return int64(m.day), true
	case rule.Week:
		_, week := time.Date(m.year, time.Month(m.month), m.day, 0, 0, 0, 0, time.UTC).ISOWeek()
		return int64(week), true
	case rule.Month:
		return int64(m.month), true
	case rule.Year:
		return int64(m.year), true
	case rule.NoPart:
	}
	return 0, false
}

// moment is a time as it is written.
type moment struct {
	year, month, day, hour, minute int
	hasClock                       bool
}

// scanner takes a text apart from its beginning.
type scanner struct{ text string }

// moment reads a date with all that may follow it, to the end of the text.
func (s *scanner) moment() (m moment, ok bool) {
	if m.year, ok = s.digits(4); !ok || !s.anyOf("-/") {
		return m, false
	}
	if m.month, ok = s.digits(2); !ok || m.month < 1 || m.month > 12 || !s.anyOf("-/") {
		return m, false
	}
	if m.day, ok = s.digits(2); !ok || m.day < 1 || m.day > daysIn(m.year, m.month) {
		return m, false
	}
	if s.text == "" {
		return m, true
	}
	m.hasClock = true
	if !s.anyOf("Tt ") {
		return m, false
	}
	if m.hour, ok = s.digits(2); !ok || m.hour > 23 || !s.anyOf(":") {
		return m, false
	}
	if m.minute, ok = s.digits(2); !ok || m.minute > 59 {
		return m, false
	}
	if s.anyOf(":") {
		if second, ok := s.digits(2); !ok || second > 60 {
			return m, false
		}
		if s.anyOf(".,") && s.run() == 0 {
			return m, false
		}
	}
	return m, s.zone()
}

// zone reads a zone, if there is one, to the end of the text.
func (s *scanner) zone() bool {
	if s.text == "" || s.text == " UTC" {
		return true
	}
	s.anyOf(" ")
	if s.anyOf("Zz") {
		return s.text == ""
	}
	if !s.anyOf("+-") {
		return false
	}
	if hours, ok := s.digits(2); !ok || hours > 23 {
		return false
	}
	if s.text == "" {
		return true
	}
	s.anyOf(":")
	minutes, ok := s.digits(2)
	return ok && minutes <= 59 && s.text == ""
}

// unix reads Unix time, to the end of the text.
func (s *scanner) unix() (m moment, ok bool) {
	number := s.text
	count := s.run()
	var n int64
	for _, c := range []byte(number[:min(count, 19)]) {
		digit := int64(c - '0')
		if n > (1<<63-1-digit)/10 {
			return m, false
		}
		n = n*10 + digit
	}
	var t time.Time
	switch {
	case count < 9 || count > 19:
		return m, false
	case count < 12:
		if s.anyOf(".") && s.run() == 0 {
			return m, false
		}
		t = time.Unix(n, 0)
	case count < 15:
		t = time.UnixMilli(n)
	case count < 18:
		t = time.UnixMicro(n)
	default:
		t = time.Unix(0, n)
	}
	t = t.UTC()
	return moment{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), true}, s.text == ""
}

// digits reads exactly count digits.
func (s *scanner) digits(count int) (n int, ok bool) {
	if len(s.text) < count {
		return 0, false
	}
	for _, c := range []byte(s.text[:count]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	s.text = s.text[count:]
	return n, true
}

// run skips digits and gives how many there were.
func (s *scanner) run() int {
	n := 0
	for n < len(s.text) && '0' <= s.text[n] && s.text[n] <= '9' {
		n++
	}
	s.text = s.text[n:]
	return n
}

// anyOf takes the next byte if it is one of set.
func (s *scanner) anyOf(set string) bool {
	if s.text == "" {
		return false
	}
	for i := range len(set) {
		if s.text[0] == set[i] {
			s.text = s.text[1:]
			return true
		}
	}
	return false
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
