package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kinds are the reports that a file can hold, sorted.
var Kinds = []string{"json"}

// Target is one report to be written into a file.
type Target struct {
	Kind string // one of Kinds
	Path string
}

// ParseTarget reads KIND=PATH.
func ParseTarget(text string) (Target, error) {
	kind, path, found := strings.Cut(text, "=")
	switch {
	case !found || path == "":
		return Target{}, fmt.Errorf("report %q names no file; write KIND=PATH, such as json=report.json", text)
	case !slices.Contains(Kinds, kind):
		return Target{}, fmt.Errorf("report %q is not of a known kind; one of: %s", text, strings.Join(Kinds, ", "))
	}
	return Target{kind, path}, nil
}

// Write writes the report of a run into the target's file, whose folder is made where it is missing. The file is whole or
// not there: it is written beside its place, flushed to the disk and then moved.
func (t Target) Write(run *Run) error {
	var b bytes.Buffer
	if err := JSON(&b, run); err != nil {
		return err
	}
	if err := writeFile(t.Path, b.Bytes()); err != nil {
		return fmt.Errorf("the %s report could not be written: %w", t.Kind, err)
	}
	return nil
}

func writeFile(path string, data []byte) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe or a device takes the bytes as they are
		return os.WriteFile(path, data, 0o644)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
