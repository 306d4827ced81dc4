package resilience_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// apiPackages are the packages that others import, by folder.
var apiPackages = []string{".", "httpclient", "httpserver", "store", "store/bolt", "store/redis", "store/storetest"}

// apiPackage is what the files of a folder say.
type apiPackage struct {
	fset  *token.FileSet
	files []*ast.File // without tests
	tests []*ast.File
}

func parsePackage(t *testing.T, dir string) apiPackage {
	t.Helper()
	p := apiPackage{fset: token.NewFileSet()}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := parser.ParseFile(p.fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			p.tests = append(p.tests, f)
		} else {
			p.files = append(p.files, f)
		}
	}
	if len(p.files) == 0 {
		t.Fatalf("no files in %s", dir)
	}
	return p
}

// Every exported name has a doc comment: functions, methods, types, constants, variables, fields and methods of interfaces.
// Every package has one file that says what it is for.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	total := 0
	for _, dir := range apiPackages {
		p := parsePackage(t, dir)
		if !slices.ContainsFunc(p.files, func(f *ast.File) bool { return f.Doc != nil }) {
			t.Errorf("package %s has no comment", dir)
		}
		for _, f := range p.files {
			names := exportedNames(f)
			total += len(names)
			for _, n := range names {
				if !n.documented {
					t.Errorf("%v: %s is exported and not documented", p.fset.Position(n.pos), n.name)
				}
			}
		}
	}
	t.Logf("%d exported names", total)
	if total < 400 {
		t.Errorf("%d exported names were found, want some 500: is something not looked at?", total)
	}
}

// The folders of apiPackages are all that there are.
func TestEveryPackageIsLookedAt(t *testing.T) {
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != ".":
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir // a module of its own
			}
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			found[filepath.ToSlash(filepath.Dir(path))] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, apiPackages) {
		t.Errorf("there are packages in %v, and %v are looked at", got, apiPackages)
	}
}

// exportedName is a name that users of a package can see.
type exportedName struct {
	name       string
	pos        token.Pos
	documented bool
}

func exportedNames(f *ast.File) (names []exportedName) {
	add := func(id *ast.Ident, prefix string, docs ...*ast.CommentGroup) {
		if id.IsExported() {
			documented := slices.ContainsFunc(docs, func(c *ast.CommentGroup) bool { return c != nil && strings.TrimSpace(c.Text()) != "" })
			names = append(names, exportedName{prefix + id.Name, id.Pos(), documented})
		}
	}
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if prefix, visible := receiver(d); visible {
				add(d.Name, prefix, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					add(s.Name, "", d.Doc, s.Doc)
					if s.Name.IsExported() {
						members(s, add)
					}
				case *ast.ValueSpec:
					for _, id := range s.Names {
						add(id, "", d.Doc, s.Doc, s.Comment)
					}
				}
			}
		}
	}
	return names
}

// members adds the fields of a struct, and the methods of an interface.
func members(s *ast.TypeSpec, add func(id *ast.Ident, prefix string, docs ...*ast.CommentGroup)) {
	var list *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return
	}
	for _, field := range list.List {
		for _, id := range field.Names {
			add(id, s.Name.Name+".", field.Doc, field.Comment)
		}
	}
}

// receiver returns what stands before the name of a method, and whether users can see its type.
func receiver(d *ast.FuncDecl) (prefix string, visible bool) {
	if d.Recv == nil {
		return "", true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + ".", x.IsExported()
		default:
			return "", false
		}
	}
}

// Every exported function is called in an example whose output is checked, and so is every option and preset. Package storetest
// is called by tests, which have no output.
func TestEveryEntryPointHasAnExample(t *testing.T) {
	shown := map[string]bool{} // package.Function
	for _, dir := range apiPackages {
		for _, f := range parsePackage(t, dir).tests {
			for _, name := range calledInExamples(f) {
				shown[name] = true
			}
		}
	}
	for _, dir := range apiPackages {
		p := parsePackage(t, dir)
		for _, f := range p.files {
			if f.Name.Name == "storetest" {
				continue
			}
			for _, decl := range f.Decls {
				d, ok := decl.(*ast.FuncDecl)
				if !ok || d.Recv != nil || !d.Name.IsExported() {
					continue
				}
				if name := f.Name.Name + "." + d.Name.Name; !shown[name] {
					t.Errorf("%v: %s is in no example with an output", p.fset.Position(d.Pos()), name)
				}
			}
		}
	}
}

// calledInExamples returns what the examples of a file that have an output mention of packages, as package.Name.
func calledInExamples(f *ast.File) (names []string) {
	for _, decl := range f.Decls {
		d, ok := decl.(*ast.FuncDecl)
		if !ok || d.Recv != nil || !strings.HasPrefix(d.Name.Name, "Example") || !hasOutput(f, d) {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if id, ok := s.X.(*ast.Ident); ok {
					names = append(names, fmt.Sprint(id.Name, ".", s.Sel.Name))
				}
			}
			return true
		})
	}
	return names
}

// hasOutput reports whether an example's output is compared.
func hasOutput(f *ast.File, d *ast.FuncDecl) bool {
	return slices.ContainsFunc(f.Comments, func(c *ast.CommentGroup) bool {
		return c.Pos() > d.Body.Pos() && c.End() < d.Body.End() &&
			(strings.HasPrefix(c.Text(), "Output:") || strings.HasPrefix(c.Text(), "Unordered output:"))
	})
}
