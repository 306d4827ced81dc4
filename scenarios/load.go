package scenarios

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// MaxFile is how large a scenario file may be, in bytes. A larger one is refused before anything of it is parsed.
const MaxFile = 1 << 20

// Option changes how a scenario is read.
type Option func(*config)

type config struct {
	profile  Profile
	upstream bool
}

// WithProfile lets what p declares overrule the file's own profile, key by key: for values that are declared, and for
// units. Of several, a later one overrules an earlier.
func WithProfile(p Profile) Option {
	return func(c *config) { c.profile = c.profile.over(p) }
}

// BeforeUpstream says that the scenario is to be played in front of an upstream, which answers what no route takes: then that
// is nothing to warn of.
func BeforeUpstream() Option { return func(c *config) { c.upstream = true } }

// Load reads a scenario file. The error is [Errors] where the file was read and is wrong, with every problem that it has;
// else it is the one of reading. A file that is usable may have [Scenario.Warnings].
func Load(path string, options ...Option) (*Scenario, error) {
	src, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, src, options...)
}

// readBounded reads a file, but not much more of it than a scenario may have.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

// Parse reads a scenario from src, with file as its name in messages. The error is [Errors], with every problem of the
// file. It may be called from several goroutines.
func Parse(file string, src []byte, options ...Option) (*Scenario, error) {
	var c config
	for _, o := range options {
		o(&c)
	}
	s := &Scenario{File: file}
	l := newLoader(file, src)
	l.upstream = c.upstream
	root := l.document(src)
	if root != nil {
		s.Source = []byte(strings.Join(l.text.lines, "\n"))
		l.scenario(root, s, c.profile)
	}
	if l.full() {
		l.errs = append(l.errs, &Error{File: file, Line: len(l.text.lines), Column: 1, End: 2,
			Msg: fmt.Sprintf("the file was given up after %d problems", maxErrors), Hint: "there may be more"})
	}
	l.errs.sort()
	wrong := slices.DeleteFunc(slices.Clone(l.errs), func(e *Error) bool { return e.Warning })
	if len(wrong) > 0 {
		return nil, l.errs
	}
	s.Warnings = l.errs
	s.Undeclared = slices.Sorted(maps.Keys(l.needs))
	return s, nil
}

func newLoader(file string, src []byte) *loader {
	return &loader{
		file: file, text: newText(strings.TrimPrefix(string(src), byteOrderMark)),
		seen: map[known]bool{}, written: map[string]string{}, needs: map[string]bool{}, spots: map[any]entry{},
		rows: Keys, checks: Checks,
	}
}

// WithSeed returns a shallow copy of the scenario with another seed.
func (s *Scenario) WithSeed(seed uint64) *Scenario {
	c := *s
	c.Seed = seed
	return &c
}
