package recording_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// scene is what the recording shows at one time.
type scene struct {
	caption string
	steps   []step
}

type step struct{ command, output string }

// Sizes in pixels, at a font of 14.
const (
	cell    = 8.43 // the width of a letter, of which textLength makes sure
	row     = 19
	margin  = 16
	seconds = 5  // that a scene is shown
	rows    = 24 // that a scene has at most
)

// line is a row of letters with an SGR class each.
type line []span

type span struct {
	class, text string
}

var sgr = regexp.MustCompile(`\x1b\[([0-9;]*)m`)

// control is every other escape sequence: a recording has no use for it.
var control = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-ln-z]|\r`)

// read returns the lines of what a terminal got, wrapped at its width.
func read(output string) (lines []line) {
	class := ""
	for text := range strings.Lines(control.ReplaceAllString(output, "")) {
		text = strings.TrimSuffix(text, "\n")
		var current line
		width, at := 0, 0
		put := func(piece string) {
			for _, r := range piece {
				if width == columns {
					lines, current, width = append(lines, current), nil, 0
				}
				if n := len(current); n > 0 && current[n-1].class == class {
					current[n-1].text += string(r)
				} else {
					current = append(current, span{class, string(r)})
				}
				width++
			}
		}
		for _, match := range sgr.FindAllStringSubmatchIndex(text, -1) {
			put(text[at:match[0]])
			class, at = styled(class, text[match[2]:match[3]]), match[1]
		}
		put(text[at:])
		lines = append(lines, current)
	}
	return lines
}

// styled returns the classes after an SGR sequence. What has no class, such as a
// colour of 256, is shown plain.
func styled(class, codes string) string {
	for code := range strings.SplitSeq(codes, ";") {
		switch {
		case code == "" || code == "0":
			class = ""
		case code == "1" || code == "2":
			class = strings.TrimSpace(class + " s" + code)
		case len(code) == 2 && (code[0] == '3' || code[0] == '9') && code[1] < '8':
			class = strings.TrimSpace(class + " f" + code[1:])
		case code == "22" || code == "39":
			class = ""
		}
	}
	return class
}

func escape(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a builder takes everything
	return out.String()
}

// lines are the rows of a scene, its caption not among them.
func (s scene) lines() (all []line) {
	for i, step := range s.steps {
		if i > 0 {
			all = append(all, nil)
		}
		all = append(all, line{{"prompt", "$ "}, {"command", step.command}})
		all = append(all, read(step.output)...)
	}
	if cut := len(all) - rows + 1; cut > 1 {
		all = append(all[:rows-1], line{{"s2", fmt.Sprintf("… %d more lines", cut)}})
	}
	return all
}

// draw returns the scenes as an SVG that shows one after the other, or, where
// the reader wants no motion, the last.
func draw(scenes []scene) string {
	width, height := int(columns*cell)+2*margin, (rows+2)*row+2*margin
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title">
<title id="title">A session with smartleadctl: an event comes in, the destination fails, a redrive brings the events back</title>
<style>%s</style>
<rect class="screen" width="%d" height="%d" rx="8"/>
`, width, height, style(len(scenes)), width, height)
	for i, s := range scenes {
		fmt.Fprintf(&out, "<g class=\"scene\" style=\"animation-delay:%ds\">\n", i*seconds)
		y := margin + row
		fmt.Fprintf(&out, "<text class=\"caption\" x=\"%d\" y=\"%d\">%s</text>\n", margin, y, escape(s.caption))
		y += row
		for _, l := range s.lines() {
			y += row
			writeLine(&out, l, y)
		}
		out.WriteString("</g>\n")
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// writeLine places each span by its column, so that tables stand straight in any
// font.
func writeLine(out *strings.Builder, l line, y int) {
	column := 0
	for _, s := range l {
		n := utf8.RuneCountInString(s.text)
		if strings.TrimSpace(s.text) != "" {
			fmt.Fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%d\" textLength=\"%.1f\" xml:space=\"preserve\">%s</text>\n",
				s.class, margin+float64(column)*cell, y, float64(n)*cell, escape(s.text))
		}
		column += n
	}
}

func style(scenes int) string {
	// The share of a cycle that one scene takes, less a moment to fade.
	share := 100 / float64(scenes)
	return fmt.Sprintf(`
svg{--screen:#fff;--edge:#d0d7de;--text:#1f2328;--dim:#59636e;--f1:#cf222e;--f2:#1a7f37;--f3:#9a6700;--f4:#0969da;--f5:#8250df;--f6:#1b7c83}
@media (prefers-color-scheme:dark){svg{--screen:#0d1117;--edge:#3d444d;--text:#e6edf3;--dim:#9198a1;--f1:#ff7b72;--f2:#3fb950;--f3:#d29922;--f4:#79c0ff;--f5:#d2a8ff;--f6:#56d4dd}}
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--text);white-space:pre}
.screen{fill:var(--screen);stroke:var(--edge)}
.caption{font:600 15px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--f4)}
.prompt,.s2,.f0,.f7{fill:var(--dim)}.command,.s1{font-weight:600}
.f1{fill:var(--f1)}.f2{fill:var(--f2)}.f3{fill:var(--f3)}.f4{fill:var(--f4)}.f5{fill:var(--f5)}.f6{fill:var(--f6)}
.scene{opacity:0;animation:show %ds linear infinite}
@keyframes show{0%%{opacity:0}%.2f%%{opacity:1}%.2f%%{opacity:1}%.2f%%{opacity:0}100%%{opacity:0}}
@media (prefers-reduced-motion:reduce){.scene{animation:none}.scene:last-of-type{opacity:1}}
`, scenes*seconds, share*0.05, share*0.97, share)
}

func TestReadKeepsColumnsAndStyles(t *testing.T) {
	lines := read("a\x1b[1;31mb\x1b[0mc\x1b[2K\n" + strings.Repeat("x", columns+1) + "\n\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines, want 4: %v", len(lines), lines)
	}
	if got := fmt.Sprint(lines[0]); got != "[{ a} {s1 f1 b} { c}]" {
		t.Errorf("got %s", got)
	}
	if len(lines[1][0].text) != columns || lines[2][0].text != "x" || lines[3] != nil {
		t.Errorf("got %v", lines[1:])
	}
}

// The committed picture is XML, and asks nothing from elsewhere.
func TestPicturesStandAlone(t *testing.T) {
	for _, name := range []string{"recording.svg", "way-of-an-event.svg"} {
		text, err := os.ReadFile(filepath.Join(pictures, name))
		if err != nil {
			t.Fatal(err)
		}
		var any struct{}
		if err := xml.Unmarshal(text, &any); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, outside := range []string{"<script", "href=", "url(http", "@import", "\x1b"} {
			if strings.Contains(string(text), outside) {
				t.Errorf("%s holds %q", name, outside)
			}
		}
		if !strings.Contains(string(text), "prefers-color-scheme") || !strings.Contains(string(text), "<title") {
			t.Errorf("%s lacks a dark form or a title", name)
		}
	}
}
