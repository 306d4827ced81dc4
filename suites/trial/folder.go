package trial

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// RunsFolder is where the folders of runs are made, below the working folder.
var RunsFolder = filepath.Join(".brownout", "runs")

// Folder is where a run keeps its evidence.
type Folder struct {
	path string // where it is
	link string // a shorter name for it; "" where there is none
}

// NewFolder makes a folder for a run that begins at start, below RunsFolder, and lets RunsFolder/last point to it. The
// runs are kept out of version control by a .gitignore of their own. Where no link can be made there is none.
func NewFolder(start time.Time) (*Folder, error) {
	if err := os.MkdirAll(RunsFolder, 0o755); err != nil {
		return nil, fmt.Errorf("no folder for the evidence: %w", err)
	}
	ignore := filepath.Join(RunsFolder, ".gitignore")
	if _, err := os.Lstat(ignore); os.IsNotExist(err) {
		_ = os.WriteFile(ignore, []byte("*\n"), 0o644) // a courtesy: nothing depends on it
	}
	var salt [3]byte
	_, _ = rand.Read(salt[:]) // never fails
	id := start.UTC().Format("20060102-150405-") + hex.EncodeToString(salt[:])
	f := &Folder{path: filepath.Join(RunsFolder, id)}
	if err := os.Mkdir(f.path, 0o755); err != nil {
		return nil, fmt.Errorf("no folder for the evidence: %w", err)
	}
	f.link = linkLast(id)
	return f, nil
}

// OpenFolder returns the folder at path as that of a run, and makes it where it is missing.
func OpenFolder(path string) (*Folder, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("no folder for the evidence: %w", err)
	}
	return &Folder{path: path}, nil
}

// linkLast lets RunsFolder/last point to the run, in one step, and returns the link; "" where it could not.
func linkLast(id string) string {
	last := filepath.Join(RunsFolder, "last")
	made := filepath.Join(RunsFolder, ".last-"+id)
	if err := os.Symlink(id, made); err != nil {
		return ""
	}
	if err := os.Rename(made, last); err != nil {
		_ = os.Remove(made)
		return ""
	}
	return last
}

// Path returns the path of a file of the run.
func (f *Folder) Path(name string) string { return filepath.Join(f.path, name) }

// Shown returns a file of the run as a report names it: through the link to the last run, as long as that points to
// this one.
func (f *Folder) Shown(name string) string {
	if f.link != "" {
		if to, err := os.Readlink(f.link); err == nil && to == filepath.Base(f.path) {
			return filepath.Join(f.link, name)
		}
	}
	return f.Path(name)
}

// Existing returns those of the files of the run that exist, as a report names them.
func (f *Folder) Existing(names ...string) []string {
	var shown []string
	for _, name := range names {
		if info, err := os.Stat(f.Path(name)); err == nil && info.Mode().IsRegular() {
			shown = append(shown, f.Shown(name))
		}
	}
	return shown
}

// Fresh returns the name of a file that neither lies in the folder nor is one of the taken: stem and ext, with a number
// between them where need be.
func (f *Folder) Fresh(stem, ext string, taken []string) string {
	for n := 1; ; n++ {
		name := stem + ext
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", stem, n, ext)
		}
		if _, err := os.Lstat(f.Path(name)); err != nil && !slices.Contains(taken, name) {
			return name
		}
	}
}

// Slug returns a file's name for a scenario: its letters and digits in lower case, with hyphens for the rest.
func Slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := strings.Trim(b.String(), "-")
	if len(s) > 60 {
		s = strings.TrimRight(s[:60], "-")
	}
	if s == "" {
		return "scenario"
	}
	return s
}
