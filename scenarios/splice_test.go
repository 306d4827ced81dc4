package scenarios

import (
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"
)

var splices = flag.Int("splices", 1500, "how many spliced files TestSplices reads")

// TestSplices reads files whose values were swapped for values of other files, under the same key or any: what a fuzzer of
// bytes hardly reaches. It holds them to what FuzzParse holds its inputs to.
func TestSplices(t *testing.T) {
	var roots []*yaml.Node
	donors := map[string][]*yaml.Node{} // values by key; "" has all
	for _, pattern := range []string{"testdata/*/*.yaml", "*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var doc yaml.Node
			if yaml.Unmarshal(src, &doc) != nil || doc.Kind == 0 || hasAlias(&doc) {
				continue
			}
			roots = append(roots, doc.Content[0])
			collect(&doc, donors)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range *splices {
		root := clone(roots[rnd.IntN(len(roots))])
		for range 1 + rnd.IntN(5) {
			splice(rnd, root, donors)
		}
		src, err := yaml.Marshal(root)
		if err != nil {
			continue
		}
		s, err := Parse("fuzz.yaml", src)
		var es Errors
		switch {
		case err == nil:
			accepted++
			checkStable(t, s)
			es = s.Warnings
		case !errors.As(err, &es):
			t.Errorf("the error is %T %v", err, err)
		}
		checkErrors(t, es)
		checkPlaces(t, es, string(src))
		if t.Failed() {
			t.Fatalf("the file is\n%s", src)
		}
	}
	if accepted < *splices/20 {
		t.Errorf("only %d of %d files are accepted", accepted, *splices)
	}
}

func hasAlias(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return true
	}
	for _, c := range n.Content {
		if hasAlias(c) {
			return true
		}
	}
	return false
}

// collect adds the values of all keys below n.
func collect(n *yaml.Node, donors map[string][]*yaml.Node) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			donors[n.Content[i-1].Value] = append(donors[n.Content[i-1].Value], c)
			donors[""] = append(donors[""], c)
		}
		collect(c, donors)
	}
}

func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.HeadComment, c.LineComment, c.FootComment = "", "", ""
	c.Content = make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		c.Content[i] = clone(n.Content[i])
	}
	return &c
}

// splice changes one value below root: mostly for one of the same key, at times for any, for a copy of a neighbour, or for
// none.
func splice(rnd *rand.Rand, root *yaml.Node, donors map[string][]*yaml.Node) {
	n := root
	for len(n.Content) > 0 {
		i := rnd.IntN(len(n.Content))
		if n.Kind == yaml.MappingNode {
			i |= 1
		}
		if down := n.Content[i]; len(down.Content) > 0 && rnd.IntN(4) > 0 {
			n = down
			continue
		}
		key := ""
		if n.Kind == yaml.MappingNode && rnd.IntN(8) > 0 {
			key = n.Content[i-1].Value
		}
		from := donors[key]
		switch {
		case rnd.IntN(8) == 0 && n.Kind == yaml.MappingNode:
			n.Content = append(n.Content[:i-1], n.Content[i+1:]...)
		case rnd.IntN(8) == 0 && n.Kind == yaml.SequenceNode:
			n.Content = append(n.Content, clone(n.Content[rnd.IntN(len(n.Content))]))
		case len(from) > 0:
			n.Content[i] = clone(from[rnd.IntN(len(from))])
		}
		return
	}
}
