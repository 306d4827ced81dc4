package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"brownout/scenarios"
	"brownout/suites/report"
)

// folderPattern is how scenario files in folders are named, so that other YAML is left alone.
const folderPattern = "*.brownout.yaml"

// source is one scenario file that the command line names, and what came of reading it.
type source struct {
	name     string // of the file, or of the built-in scenario
	scenario *scenarios.Scenario
	problems scenarios.Errors // errors and warnings
}

// loadAll reads the scenarios that the words of a command line name: files, folders, folders with all below (DIR/...),
// and built-in scenarios. The error is a mistake on the command line, or a file that could not be read; what is wrong inside
// the files is in the sources.
func loadAll(words []string, options ...scenarios.Option) ([]source, error) {
	var sources []source
	for _, word := range words {
		paths, err := expand(word)
		if err != nil {
			return nil, err
		}
		if paths == nil {
			s, err := loadBuiltin(word, options...)
			if err != nil {
				return nil, err
			}
			sources = append(sources, s)
		}
		for _, path := range paths {
			s, err := loadFile(path, options...)
			if err != nil {
				return nil, err
			}
			sources = append(sources, s)
		}
	}
	return sources, nil
}

// expand returns the files that a word names; none where it is the name of a built-in scenario.
func expand(word string) ([]string, error) {
	if dir, found := strings.CutSuffix(word, "/..."); found {
		return filesBelow(word, dir)
	}
	info, err := os.Stat(word)
	switch {
	case err != nil && slices.Contains(scenarios.BuiltinNames(), word):
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, noSuchScenario(word)
	case err != nil:
		return nil, &failure{exitUsage, err, "give a file that can be read"}
	case info.IsDir():
		paths, err := filepath.Glob(filepath.Join(word, folderPattern))
		return atLeastOne(word, paths, err)
	}
	return []string{word}, nil
}

func filesBelow(word, dir string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := strings.HasPrefix(d.Name(), ".") && path != dir; hidden && d.IsDir() {
			return filepath.SkipDir
		}
		if fits, _ := filepath.Match(folderPattern, d.Name()); fits && !d.IsDir() {
			paths = append(paths, path)
		}
		return nil
	})
	return atLeastOne(word, paths, err)
}

func atLeastOne(word string, paths []string, err error) ([]string, error) {
	if err != nil {
		return nil, &failure{exitUsage, err, "give a folder that can be read"}
	}
	if len(paths) == 0 {
		return nil, usage("files in folders are taken by that pattern; name others one by one", "%s holds no %s", word, folderPattern)
	}
	return paths, nil
}

// noSuchScenario is the mistake of a word that names nothing.
func noSuchScenario(word string) error {
	known := slices.Concat(scenarios.BuiltinNames(), nearbyFiles(word))
	hint := "list the built-in ones with brownout list"
	if near := nearest(word, known); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return usage(hint, "%s is neither a file nor a built-in scenario", report.Quote(word))
}

// nearest returns the known word that was most likely meant: one with a slip, else the first that begins or ends so; "" where
// none does.
func nearest(word string, known []string) string {
	if near := scenarios.Suggest(word, known); near != "" || len(word) < 3 {
		return near
	}
	for _, k := range known {
		if strings.HasPrefix(k, word) || strings.HasSuffix(k, "/"+word) {
			return k
		}
	}
	return ""
}

// nearbyFiles returns the YAML files in the folder in which word would lie.
func nearbyFiles(word string) []string {
	var paths []string
	for _, ext := range []string{"*.yaml", "*.yml"} {
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(word), ext))
		paths = append(paths, found...)
	}
	return paths
}

func loadBuiltin(name string, options ...scenarios.Option) (source, error) {
	s, err := scenarios.Builtin(name, options...)
	return read(name, s, err)
}

func loadFile(path string, options ...scenarios.Option) (source, error) {
	s, err := scenarios.Load(path, options...)
	return read(path, s, err)
}

func read(name string, s *scenarios.Scenario, err error) (source, error) {
	var problems scenarios.Errors
	switch {
	case errors.As(err, &problems):
		return source{name: name, problems: problems}, nil
	case err != nil:
		return source{}, &failure{exitUsage, err, "give a file that can be read"}
	}
	return source{name: name, scenario: s, problems: s.Warnings}, nil
}

// problem adds a problem of the file as a whole.
func (s *source) problem(msg, hint string) {
	first, _, _ := strings.Cut(string(s.scenario.Source), "\n")
	s.problems = append(s.problems, &scenarios.Error{File: s.name, Line: 1, Column: 1, End: 2, Source: first, Msg: msg, Hint: hint})
}

// invalid reports whether any source has an error.
func invalid(sources []source) bool {
	errs, _ := countProblems(sources)
	return errs > 0
}

func countProblems(sources []source) (errs, warnings int) {
	for i := range sources {
		for _, p := range sources[i].problems {
			if p.Warning {
				warnings++
			} else {
				errs++
			}
		}
	}
	return errs, warnings
}

// allProblems returns the problems of all sources.
func allProblems(sources []source) scenarios.Errors {
	var all scenarios.Errors
	for i := range sources {
		all = append(all, sources[i].problems...)
	}
	return all
}

// drawProblems writes the problems of all sources.
func drawProblems(w io.Writer, sources []source, s report.Style) error {
	for i := range sources {
		if err := report.Problems(w, sources[i].problems, s); err != nil {
			return written(err)
		}
	}
	return nil
}
