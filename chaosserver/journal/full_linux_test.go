package journal

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of so many KiB, as root can.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("no file system can be mounted: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullDisk: on a disk that fills up the journal says so at once and for good, and what had been written can be read.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(smallDisk(t, "64k"), "journal")
	j, err := New(Options{File: path})
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for ; taken < 10_000; taken++ {
		if err = j.Attempt(&AttemptRecord{Seq: uint64(taken + 1), Method: "GET", Target: "/", RawHeader: benchHeader}); err != nil {
			break
		}
		select {
		case <-j.Failed():
			t.Fatalf("the journal is said to have failed, and took record %d", taken+1)
		default:
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("record %d: %v, want %v", taken+1, err, syscall.ENOSPC)
	}
	<-j.Failed()
	if got := j.Shut(); got != err {
		t.Errorf("Shut gives %v, want %v", got, err)
	}
	log, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(log.Attempts); n != taken || !log.Torn {
		t.Errorf("%d attempts were taken and %d can be read, cut off %v", taken, n, log.Torn)
	}
	if n := len(j.Log().Attempts); n != taken+1 {
		t.Errorf("the ring has %d attempts, want that which the file could not take too: %d", n, taken+1)
	}
}

// TestNoRoomForTheHeader: a journal whose first line cannot be written is none, and leaves no file.
func TestNoRoomForTheHeader(t *testing.T) {
	dir := smallDisk(t, "4k")
	if err := os.WriteFile(filepath.Join(dir, "full"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "journal")
	if _, err := New(Options{File: path}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("New gives %v, want %v", err, syscall.ENOSPC)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file is left: %v", err)
	}
}
