package trial

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/suites/drive"
	"brownout/suites/verdict"
)

// TestJournalOnAFullDisk: a trial whose journal fails ends its client at once, is an error that says why, and names the
// file, which can be read as far as it was written.
func TestJournalOnAFullDisk(t *testing.T) {
	c := config(t, scenario(t, twice), driver(func(ctx context.Context, site drive.Site, _ drive.Recorder) error {
		for ctx.Err() == nil {
			if err := get(ctx, site.URL+"/a"); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if cause := context.Cause(ctx); cause != errUnrecorded {
			t.Errorf("the client is ended by %v", cause)
		}
		return nil
	}))
	c.Timeout = time.Hour
	dir := strings.TrimSuffix(c.Journal, "/test.ndjson")
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no file system can be mounted: ", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	if _, err := Run(t.Context(), c); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the trial gives %v, want %v", err, syscall.ENOSPC)
	}
	c = c.again()
	r := RunAll(t.Context(), []Config{c}, 1, nil)[0] // there is no room left at all
	if r.Verdict.Outcome != verdict.Error || !strings.Contains(r.Verdict.Reason, "no space left on device") || r.Journal != "" {
		t.Errorf("with no room: %v, %q, journal %q", r.Verdict.Outcome, r.Verdict.Reason, r.Journal)
	}
	log, err := journal.ReadFile(dir + "/test.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	if len(log.Attempts) < 20 {
		t.Errorf("%d attempts can be read", len(log.Attempts))
	}
	for i := range log.Attempts {
		if log.Attempts[i].Seq != uint64(i+1) {
			t.Fatalf("attempt %d of the file has the ordinal %d", i+1, log.Attempts[i].Seq)
		}
	}
}
