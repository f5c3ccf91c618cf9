package capture

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

func header() Header {
	return Header{
		Host: "h1", BootID: "b", Started: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Version: "1.2.3", Classes: []string{"process"},
		Users: map[uint32]string{0: "root", 1000: "anna"},
	}
}

func end(batches uint64) End {
	return End{
		Stopped: time.Date(2026, 3, 1, 12, 1, 0, 0, time.UTC), Batches: batches, Events: 7, Processes: 5, Seeded: true,
		Lost: Loss{Batches: 3, Unreadable: 1}, LostAtSource: map[string]uint64{"ring_full": 9},
	}
}

// sample is a recording of three batches, with a loss after the first.
func sample(tb testing.TB) []byte {
	tb.Helper()
	var file bytes.Buffer
	w, err := NewWriter(&file, header())
	err = errors.Join(err,
		w.Batch([]byte("first")), w.Loss(Loss{Batches: 2}), w.Loss(Loss{Batches: 1, Unreadable: 1}), w.Batch(nil),
		w.Batch(bytes.Repeat([]byte("third"), 1000)), w.End(end(3)))
	if err != nil {
		tb.Fatal(err)
	}
	if w.Written() != int64(file.Len()) {
		tb.Errorf("%d bytes are said to be written, %d were", w.Written(), file.Len())
	}
	return file.Bytes()
}

// read gives the batches of a file up to the error that ends it.
func read(data []byte) (*Reader, []string, error) {
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	var batches []string
	for {
		b, err := r.Next()
		if err != nil {
			return r, batches, err
		}
		batches = append(batches, string(b))
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	r, batches, err := read(sample(t))
	if err != io.EOF { //nolint:errorlint // io.EOF is promised as it is
		t.Fatal(err)
	}
	if want := []string{"first", "", strings.Repeat("third", 1000)}; !reflect.DeepEqual(batches, want) {
		t.Errorf("read %q", batches)
	}
	if !reflect.DeepEqual(r.Header(), header()) || !reflect.DeepEqual(*r.End(), end(3)) || r.Lost() != (Loss{Batches: 3, Unreadable: 1}) {
		t.Errorf("read %+v, %+v, %+v", r.Header(), r.End(), r.Lost())
	}
	if _, err := r.Next(); err != io.EOF { //nolint:errorlint // as above
		t.Errorf("after the end: %v", err)
	}
}

// A file can end at every byte, when its writer is killed or the disk is full.
func TestACutFileIsReadUpToTheCut(t *testing.T) {
	whole := sample(t)
	_, all, _ := read(whole)
	most := 0
	for n := range len(whole) {
		r, batches, err := read(whole[:n])
		if n < len(family) {
			if !errors.Is(err, ErrNotCapture) {
				t.Fatalf("%d bytes: %v", n, err)
			}
			continue
		}
		if !errors.Is(err, ErrCut) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if len(batches) > len(all) || len(batches) > 0 && !reflect.DeepEqual(batches, all[:len(batches)]) || len(batches) < most {
			t.Fatalf("%d bytes give %d batches, fewer bytes gave %d", n, len(batches), most)
		}
		most = len(batches)
		if r == nil {
			continue
		}
		if _, again := r.Next(); again != err { //nolint:errorlint // the same error is promised
			t.Fatalf("%d bytes: first %v, then %v", n, err, again)
		}
		if r.End() != nil {
			t.Fatalf("%d bytes have an end mark", n)
		}
	}
	if most != len(all) {
		t.Errorf("without its end mark the file gives %d of %d batches", most, len(all))
	}
}

func TestDamageIsFound(t *testing.T) {
	whole := sample(t)
	for i := len(magic); i < len(whole); i++ {
		data := bytes.Clone(whole)
		data[i] ^= 0x10
		if _, _, err := read(data); !errors.Is(err, ErrCut) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	f := func(data string, want error) {
		t.Helper()
		if _, _, err := read([]byte(data)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", data, err, want)
		}
	}
	f("", ErrNotCapture)
	f("ElfFile\x00", ErrNotCapture)
	f("{\"a\": 1}\n", ErrNotCapture)
	f("vedette capture 2\nwhatever", ErrVersion)
	f("vedette capture 10\n", ErrVersion)
	f("vedette capture 1", ErrCut)
	f(magic, ErrCut)
	f(magic+string(appendBlock(nil, kindBatch, nil)), ErrCut)
	f(magic+string(appendBlock(nil, kindHeader, []byte("no json"))), ErrCut)
	f(magic+"H\xff\xff\xff\xff", ErrCut)

	whole := string(sample(t))
	started := magic + string(appendBlock(nil, kindHeader, []byte(`{"host":"h","added_later":1}`)))
	f(started+string(appendBlock(nil, kindLoss, []byte("[]"))), ErrCut)
	f(started+string(appendBlock(nil, kindEnd, []byte(`{"batches":1}`))), ErrCut)
	f(started+string(appendBlock(nil, 'x', []byte("of a later version")))+string(appendBlock(nil, kindEnd, []byte(`{}`))), io.EOF)
	f(whole+"what follows the end is not read", io.EOF)
}

func TestWriterRefuses(t *testing.T) {
	w, err := NewWriter(io.Discard, header())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Batch(make([]byte, maxBlock+1)); err == nil {
		t.Error("a batch that cannot be read back is written")
	}
	if err := w.End(End{LostAtSource: map[string]uint64{strings.Repeat("x", maxText): 1}}); err == nil {
		t.Error("an end mark that cannot be read back is written")
	}
	if _, err := NewWriter(full{}, header()); !errors.Is(err, errFull) {
		t.Errorf("a full disk gives %v", err)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func FuzzReader(f *testing.F) {
	whole := sample(f)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(magic))
	f.Add([]byte("vedette capture 9\n"))
	f.Add([]byte(magic + "H\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, batches, err := read(data)
		if err == nil || r == nil {
			return
		}
		// What was read can be written again and reads the same.
		var file bytes.Buffer
		w, err := NewWriter(&file, r.Header())
		for _, b := range batches {
			err = errors.Join(err, w.Batch([]byte(b)))
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, again, _ := read(file.Bytes()); !reflect.DeepEqual(again, batches) {
			t.Errorf("%q became %q", batches, again)
		}
	})
}
