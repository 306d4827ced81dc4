package scenarios

import (
	"path/filepath"
	"testing"
)

// TestOK reads every good file, prints it, and reads it again.
func TestOK(t *testing.T) {
	files, err := filepath.Glob("testdata/ok/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in testdata/ok: %v", err)
	}
	for _, f := range files {
		s, err := Load(f)
		if err != nil {
			t.Errorf("Load(%s):\n%v", f, err)
			continue
		}
		checkStable(t, s)
	}
}
