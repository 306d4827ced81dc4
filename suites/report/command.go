package report

import "strings"

// again writes the command that runs the trial again, so that it can be copied: what does not fit into one line goes on
// in the next after a backslash, and nothing of it is cut.
func (p *pager) again() {
	if len(p.t.Again) == 0 {
		return
	}
	const lead = "  Run again:  "
	line := ""
	indent := lead
	for i, word := range p.t.Again {
		word = p.text(Quote(word))
		room := p.width() - len(lead)
		if i < len(p.t.Again)-1 {
			room -= len(` \`)
		}
		if line != "" && columns(line+" "+word) > room {
			p.add(indent + line + ` \`)
			line, indent = "", strings.Repeat(" ", len(lead))
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	p.add(indent + line)
}

// Quote returns a word as a POSIX shell reads it back.
func Quote(word string) string {
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// special holds for what a shell may take for more than a character. A brace pair without a comma stands for itself.
func special(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("-_./:=@%+,{}", r)
}
