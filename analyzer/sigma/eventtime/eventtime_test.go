package eventtime_test

import (
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/sigma/eventtime"
	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

func TestPart(t *testing.T) {
	f := func(text string, minute, hour, day, week, month, year int64) {
		t.Helper()
		for part, want := range map[rule.TimePart]int64{
			rule.Minute: minute, rule.Hour: hour, rule.Day: day, rule.Week: week, rule.Month: month, rule.Year: year,
		} {
			if got, ok := eventtime.Part(text, part); got != want || !ok {
				t.Errorf("part %d of %q is %d (%t), want %d", part, text, got, ok, want)
			}
		}
		if _, ok := eventtime.Part(text, rule.NoPart); ok {
			t.Errorf("%q has a part that is none", text)
		}
	}

	// As Sysmon, EVTX, Zeek and JSON libraries write it.
	f("2023-11-14 22:13:20.123", 13, 22, 14, 46, 11, 2023)
	f("2023-11-14T22:13:20.1234567Z", 13, 22, 14, 46, 11, 2023)
	f("2023-11-14t22:13:20z", 13, 22, 14, 46, 11, 2023)
	f("2023-11-14 22:13", 13, 22, 14, 46, 11, 2023)
	f("2023/11/14 22:13:20,5", 13, 22, 14, 46, 11, 2023)
	f("2023-11-14 22:13:20.123456789012 UTC", 13, 22, 14, 46, 11, 2023)
	f("2023-11-14 22:13:20 Z", 13, 22, 14, 46, 11, 2023)

	// A zone changes nothing.
	f("2023-11-14T22:13:20+05:30", 13, 22, 14, 46, 11, 2023)
	f("2023-11-14T22:13:20 -0530", 13, 22, 14, 46, 11, 2023)
	f("2023-11-14T22:13-05", 13, 22, 14, 46, 11, 2023)

	// Unix time is in UTC: the same moment in its four units.
	f("1700000000", 13, 22, 14, 46, 11, 2023)
	f("1700000000.123", 13, 22, 14, 46, 11, 2023)
	f("1700000000123", 13, 22, 14, 46, 11, 2023)
	f("1700000000123456", 13, 22, 14, 46, 11, 2023)
	f("1700000000123456789", 13, 22, 14, 46, 11, 2023)
	f("100000000", 46, 9, 3, 9, 3, 1973)

	// Leap second, leap day, and weeks that belong to another year.
	f("2016-12-31T23:59:60Z", 59, 23, 31, 52, 12, 2016)
	f("2024-02-29T00:00:00Z", 0, 0, 29, 9, 2, 2024)
	f("2021-01-01T00:00:00Z", 0, 0, 1, 53, 1, 2021)
	f("2024-12-30T00:00:00Z", 0, 0, 30, 1, 12, 2024)
}

func TestPartOfDate(t *testing.T) {
	for _, text := range []string{"2023-11-14", "2023/11/14"} {
		if day, ok := eventtime.Part(text, rule.Day); day != 14 || !ok {
			t.Errorf("the day of %q is %d (%t)", text, day, ok)
		}
		if hour, ok := eventtime.Part(text, rule.Hour); ok {
			t.Errorf("%q has the hour %d", text, hour)
		}
		if minute, ok := eventtime.Part(text, rule.Minute); ok {
			t.Errorf("%q has the minute %d", text, minute)
		}
	}
}

func TestNoTime(t *testing.T) {
	for _, text := range []string{
		"", " ", "now", "-", "2023", "2023-11", "11/14/2023", "14.11.2023", "2023-1-2", "20231114", "12:13:20",
		"2023-13-14", "2023-00-14", "2023-11-31", "2023-02-29", "2023-11-00", "2023-11-14x", "2023-11-14T",
		"2023-11-14T22", "2023-11-14T24:00", "2023-11-14T22:60", "2023-11-14T22:13:", "2023-11-14T22:13:61",
		"2023-11-14T22:13:20.", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20Zulu", "2023-11-14T22:13:20+",
		"2023-11-14T22:13:20+24:00", "2023-11-14T22:13:20+05:60", "2023-11-14T22:13:20+05:3", "2023-11-14T22:13:20 ",
		"2023-11-14T22:13:20 CET", " 2023-11-14T22:13:20", "2023-11-14T22:13:20\n", "２０２３-11-14",
		"17000000", "1700000000.", "1700000000.1s", "-1700000000", "+1700000000", "1700000000123.5", "17000000001234567890",
		"9999999999999999999", "1.7e9", "0x6553f100",
	} {
		for part := rule.NoPart; part <= rule.Year; part++ {
			if n, ok := eventtime.Part(text, part); ok {
				t.Errorf("part %d of %q is %d", part, text, n)
			}
		}
	}
}

func TestPartAllocatesNothing(t *testing.T) {
	for _, text := range []string{"2023-11-14T22:13:20.1234567Z", "1700000000123", "C:\\Windows\\notepad.exe"} {
		if n := testing.AllocsPerRun(100, func() { eventtime.Part(text, rule.Week) }); n != 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}

// Package time is asked about what it can read too.
func FuzzPart(f *testing.F) {
	for _, seed := range []string{"2023-11-14T22:13:20.1234567Z", "2016-12-31 23:59:60", "1700000000.123", "1700000000123", "2023/11/14"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		day, ok := eventtime.Part(text, rule.Day)
		if ok && (day < 1 || day > 31) {
			t.Errorf("the day of %q is %d", text, day)
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		// It takes an hour of one digit too.
		if err != nil || text[13] != ':' {
			return
		}
		if !ok || day != int64(at.Day()) {
			t.Errorf("the day of %q is %d (%t), want %d", text, day, ok, at.Day())
		}
		_, week := at.ISOWeek()
		if got, ok := eventtime.Part(text, rule.Week); !ok || got != int64(week) {
			t.Errorf("the week of %q is %d (%t), want %d", text, got, ok, week)
		}
	})
}
