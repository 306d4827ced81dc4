package main

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var update = flag.Bool("update-readme", false, "write what the README's console blocks print into the README")

const readmePath = "../../README.md"

// TestReadme runs every console block of the README and compares what it prints, but for figures that no two runs share.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	r := &readme{lines: strings.Split(string(text), "\n"), dir: t.TempDir(), printed: map[int][]string{}, binary: filepath.Join(t.TempDir(), "brownout")}
	if out, err := exec.Command("go", "build", "-o", r.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	r.files(t)
	blocks := 0
	for i := 0; i < len(r.lines); i++ {
		if r.lines[i] != "```console" {
			continue
		}
		blocks++
		command := strings.TrimPrefix(r.lines[i+1], "$ ")
		t.Run(command, func(t *testing.T) {
			if strings.Contains(command, "curl") || strings.HasSuffix(command, " serve") {
				if _, err := exec.LookPath("curl"); err != nil {
					t.Skip("curl is not installed; this block of the README needs it")
				}
			}
			r.block(t, i+1)
		})
	}
	if blocks == 0 {
		t.Fatal("the README has no console block")
	}
	if *update {
		for line := len(r.lines) - 1; line > 0; line-- { // from the end, so that the lines before stay where they are
			if got, ok := r.printed[line]; ok {
				r.lines = slices.Replace(r.lines, line+1, r.end(line), got...)
			}
		}
		if err := os.WriteFile(readmePath, []byte(strings.Join(r.lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A readme is the README's text, and where its commands are run.
type readme struct {
	lines       []string
	dir, binary string
	server      *readmeServer
	printed     map[int][]string // what the command of a line printed; kept to write it down
}

// A readmeServer is a serve command that a later block calls.
type readmeServer struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	text   bytes.Buffer
	line   int    // its command's, in the README
	addr   string // where it listens
	shown  string // where the README says that it does
	readme *readme
}

// files writes the YAML files that the README shows, each named by a comment in its first line.
func (r *readme) files(t *testing.T) {
	for i, line := range r.lines {
		if line != "```yaml" {
			continue
		}
		name, ok := strings.CutPrefix(r.lines[i+1], "# ")
		if !ok {
			t.Fatalf("README line %d: a YAML block begins with a comment that names its file", i+2)
		}
		text := strings.Join(r.lines[i+2:r.end(i+1)], "\n") + "\n"
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// end returns the line that ends the block with this line in it.
func (r *readme) end(line int) int {
	for r.lines[line] != "```" {
		line++
	}
	return line
}

// block runs the block whose command is in this line.
func (r *readme) block(t *testing.T, line int) {
	command := strings.TrimPrefix(r.lines[line], "$ ")
	command = strings.Replace(command, "go run ./cmd/brownout", "brownout", 1)
	if command == "brownout serve" {
		r.server = r.serve(t, line)
		return
	}
	if r.server != nil {
		command = strings.ReplaceAll(command, r.server.shown, r.server.addr)
	}
	cmd := r.shell(command)
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	r.compare(t, line, string(out))
	if r.server != nil {
		r.server.stop(t)
		r.server = nil
	}
}

// shell returns a command that runs in the README's folder. The braces of {url} mean nothing to a shell.
func (r *readme) shell(command string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(r.binary)+string(os.PathListSeparator)+os.Getenv("PATH"),
		"LC_ALL=C.UTF-8", "NO_COLOR=1", "COLUMNS=100")
	return cmd
}

func (r *readme) serve(t *testing.T, line int) *readmeServer {
	s := &readmeServer{cmd: r.shell("exec brownout serve --addr 127.0.0.1:0"), line: line, shown: "127.0.0.1:7070", readme: r}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`)
	for !strings.HasPrefix(s.last(), "Try:") {
		text, err := s.out.ReadString('\n')
		s.text.WriteString(text)
		if err != nil {
			t.Fatalf("serve ended early: %v\n%s", err, s.text.String())
		}
		if a := address.FindString(text); a != "" {
			s.addr = a
		}
	}
	return s
}

// last returns the last whole line that the server wrote.
func (s *readmeServer) last() string {
	lines := strings.Split(strings.TrimSuffix(s.text.String(), "\n"), "\n")
	return lines[len(lines)-1]
}

// stop interrupts the server and compares what it told.
func (s *readmeServer) stop(t *testing.T) {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(s.out)
	if err != nil {
		t.Fatal(err)
	}
	s.text.Write(rest)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("serve: %v", err)
	}
	s.readme.compare(t, s.line, strings.ReplaceAll(s.text.String(), s.addr, s.shown))
}

// compare compares what a block printed with what the README shows, or writes it there.
func (r *readme) compare(t *testing.T, line int, printed string) {
	end := r.end(line)
	got := strings.Split(strings.TrimRight(printed, "\n"), "\n")
	if *update {
		r.printed[line] = got
		return
	}
	want := r.lines[line+1 : end]
	if g, w := settled(got), settled(want); g != w {
		t.Errorf("README line %d shows\n%s\nbut the command prints\n%s", line+1, strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

// What no two runs share: times, their bars, versions of programs.
var unsettled = []struct {
	re *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`\d\d:\d\d:\d\d\.\d{3}`), "TIME"},
	{regexp.MustCompile(`\d+(\.\d+)?(µs|us|ms|s)\b`), "N"},
	{regexp.MustCompile(`curl/[\d.]+`), "curl/V"},
	{regexp.MustCompile(`[▇┄▞│]+`), "|"},
	{regexp.MustCompile(`[ |]+`), " "},
	{regexp.MustCompile(`(N )+N`), "N"},
}

func settled(lines []string) string {
	text := strings.Join(lines, "\n")
	for _, u := range unsettled {
		text = u.re.ReplaceAllString(text, u.by)
	}
	return text
}
