package journal

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// killedFile names, in the environment of a process that TestKilled starts, the file to record to.
const killedFile = "BROWNOUT_TEST_JOURNAL"

// TestKilled kills a process that records as fast as it can from 4 goroutines, and wants every attempt that was
// acknowledged in the file.
func TestKilled(t *testing.T) {
	if path := os.Getenv(killedFile); path != "" {
		recordForever(t, path)
	}
	for round := range 5 {
		path := filepath.Join(t.TempDir(), "journal.ndjson")
		child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), killedFile+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := map[uint64]bool{}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if seq, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
				acknowledged[seq] = true
			}
			if len(acknowledged) == 500*(round+1) {
				child.Process.Kill() // and read what it has acknowledged until then
			}
		}
		child.Wait()
		l, err := ReadFile(path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, a := range l.Attempts {
			delete(acknowledged, a.Seq)
		}
		if len(acknowledged) > 0 || len(l.Attempts) < 500*(round+1) {
			t.Errorf("round %d: of %d attempts in the file %d acknowledged ones are missing", round, len(l.Attempts), len(acknowledged))
		}
	}
}

// recordForever records, and prints the ordinal of each attempt once it is recorded, until the process is killed.
func recordForever(t *testing.T, path string) {
	j, err := New(Options{File: path})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	const writers = 4
	for w := range writers {
		go func() {
			for seq := uint64(w) + 1; ; seq += writers {
				r := AttemptRecord{Seq: seq, Method: "GET", Target: "/", RawHeader: benchHeader}
				if err := j.Attempt(&r); err != nil {
					done <- err
					return
				}
				if _, err := fmt.Println(seq); err != nil {
					done <- err
					return
				}
				if err := j.End(&EndRecord{Seq: seq}); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	t.Fatal(<-done)
}
