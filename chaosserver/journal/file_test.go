package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var errFull = errors.New("no space left")

// fullDisk takes so many bytes, as a disk does that fills up, and then some more once there is room again.
type fullDisk struct {
	bytes.Buffer
	room   int
	closed int
}

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) > d.room {
		n, _ := d.Buffer.Write(b[:d.room])
		d.room = 1 << 20
		return n, errFull
	}
	d.room -= len(b)
	return d.Buffer.Write(b)
}

func (d *fullDisk) Close() error { d.closed++; return nil }

func TestDiskFull(t *testing.T) {
	whole := readGolden(t)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	header := len(lines[0])
	for room := header; room < header+len(lines[1])+len(lines[2])+len(lines[3])+10; room++ {
		synctest.Test(t, func(t *testing.T) { diskFull(t, room) })
	}
}

// diskFull records to a disk with so much room, the header's and more.
func diskFull(t *testing.T, room int) {
	disk := &fullDisk{room: room}
	j, err := newJournal(testOptions, disk)
	if err != nil {
		t.Fatal(err)
	}
	const records = 20
	var first error
	taken := 0
	for i := range records {
		err := j.Late(Lateness{At: time.Duration(i), Late: time.Hour})
		switch {
		case err == nil:
			taken++
		case first == nil:
			first = err
		}
		if err != first {
			t.Errorf("room for %d: record %d gives %v after %v", room, i, err, first)
		}
	}
	if !errors.Is(first, errFull) || j.Err() != first {
		t.Errorf("room for %d: error %v, Err %v; want %v", room, first, j.Err(), errFull)
	}
	for range 2 {
		if err := j.Shut(); err != first {
			t.Errorf("room for %d: Shut gives %v, want %v", room, err, first)
		}
	}
	if disk.closed != 1 {
		t.Errorf("room for %d: closed %d times", room, disk.closed)
	}
	if n := len(j.Log().Late); n != records {
		t.Errorf("room for %d: the ring has %d of %d records", room, n, records)
	}
	l, err := Read(&disk.Buffer)
	if err != nil {
		t.Fatalf("room for %d: what was written cannot be read: %v", room, err)
	}
	// A line that lacks nothing but its end is read, though its write failed.
	if n := len(l.Late); n != taken && n != taken+1 {
		t.Errorf("room for %d: %d records were taken and %d read", room, taken, n)
	}
}

func TestDeviceFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full: ", err)
	}
	defer full.Close()
	_, err = newJournal(Options{}, full)
	if want := "the journal's file is incomplete: write /dev/full: no space left on device"; !errors.Is(err, syscall.ENOSPC) || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestFileClosedUnderTheJournal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "j"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := newJournal(Options{}, f)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := j.Attempt(&AttemptRecord{Seq: 1}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want %v", err, os.ErrClosed)
	}
	if err := j.Shut(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Shut gives %v, want the first error", err)
	}
}

type failingClose struct{ writerCloser }

func (*failingClose) Close() error { return errFull }

func TestCloseFails(t *testing.T) {
	j, err := newJournal(Options{}, &failingClose{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Shut(); !errors.Is(err, errFull) || err != j.Err() {
			t.Errorf("Shut gives %v, Err %v; want %v", err, j.Err(), errFull)
		}
	}
}
