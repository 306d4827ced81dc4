package scenarios

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// The built-in scenarios lie in folders beside this file; testdata lies one level deeper, so that the pattern leaves it out.
//
//go:embed */*.yaml
var library embed.FS

// ErrNoBuiltin says that no built-in scenario has a name.
var ErrNoBuiltin = errors.New("no such built-in scenario")

var builtinNames = sync.OnceValue(func() []string {
	paths, err := fs.Glob(library, "*/*.yaml")
	if err != nil {
		panic("the pattern of the built-in scenarios is wrong: " + err.Error())
	}
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(p, ".yaml")
	}
	slices.Sort(paths)
	return paths
})

// BuiltinNames returns the names of the built-in scenarios, such as retry/two-503s, sorted. The slice is the caller's.
func BuiltinNames() []string { return slices.Clone(builtinNames()) }

// Builtin reads the built-in scenario of a name, which becomes its file. The error is [ErrNoBuiltin] where there is none,
// with the nearest name.
func Builtin(name string, options ...Option) (*Scenario, error) {
	src, err := library.ReadFile(name + ".yaml")
	if err != nil || !slices.Contains(builtinNames(), name) {
		hint := "list them with brownout list"
		if near := Suggest(name, builtinNames()); near != "" {
			hint = "did you mean " + quote(near) + "?"
		}
		return nil, fmt.Errorf("%w: %s; %s", ErrNoBuiltin, quote(name), hint)
	}
	return Parse(name, src, options...)
}
