package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse holds the loader to what must be true of every input: it does not panic; every error has a place inside the
// file and can be drawn; a scenario that it accepts prints as one that it accepts again, that is equal but for positions,
// and that prints the same.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.yaml", "testdata/err/*.yaml", "testdata/warn/*.yaml", "*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(src))
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		s, err := Parse("fuzz.yaml", []byte(src))
		if err != nil {
			var es Errors
			if !errors.As(err, &es) || s != nil {
				t.Fatalf("the error is %T %v, beside %v", err, err, s)
			}
			checkErrors(t, es)
			checkPlaces(t, es, src)
			return
		}
		checkErrors(t, s.Warnings)
		checkPlaces(t, s.Warnings, src)
		checkStable(t, s)
	})
}

// checkPlaces checks that every problem lies inside the file, and that its drawing has no control characters.
func checkPlaces(t *testing.T, es Errors, src string) {
	t.Helper()
	lines := strings.Count(src, "\n") + 1
	for _, e := range es {
		if e.Line > lines || e.Column > utf8.RuneCountInString(e.Source)+1 {
			t.Errorf("%v: there are %d lines, and the line is %q", e, lines, e.Source)
		}
	}
	for _, r := range es.Draw() {
		if r < 0x20 && r != '\n' || r >= 0x7F && r < 0xA0 {
			t.Errorf("the drawing has control character %U", r)
		}
	}
}

// checkStable checks that s prints as a scenario that is equal, and prints the same.
func checkStable(t *testing.T, s *Scenario) {
	t.Helper()
	printed := s.Format()
	again, err := Parse("fuzz.yaml", printed)
	if err != nil {
		t.Fatalf("what is printed does not parse: %v\n%s", err, printed)
	}
	if got := again.Format(); string(got) != string(printed) {
		t.Errorf("printed\n%s\nthen\n%s", printed, got)
	}
	if len(s.Warnings) != len(again.Warnings) {
		t.Errorf("warnings\n%v\nthen\n%v", s.Warnings, again.Warnings)
	}
	a, b := *s, *again
	forget(reflect.ValueOf(&a))
	forget(reflect.ValueOf(&b))
	for i := range reflect.TypeFor[Scenario]().NumField() {
		name := reflect.TypeFor[Scenario]().Field(i).Name
		if name == "File" || name == "Source" || name == "Warnings" {
			continue
		}
		x, y := reflect.ValueOf(a).Field(i), reflect.ValueOf(b).Field(i)
		if name == "written" {
			x, y = reflect.ValueOf(a.written), reflect.ValueOf(b.written)
		}
		if !reflect.DeepEqual(x.Interface(), y.Interface()) {
			t.Errorf("printed and read again, %s is another:\n%+v\nthen\n%+v\n%s", name, x, y, printed)
		}
	}
}

// forget zeroes the positions of a scenario.
func forget(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			forget(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			forget(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Pos]() {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				forget(v.Field(i))
			}
		}
	}
}
