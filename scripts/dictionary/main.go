// Command dictionary builds the dictionary by which pkg/pack compresses, out of
// made-up payloads: the names of their members in their order, the values that are
// words of the provider's, and the markup of mail clients. No other value is in it.
//
//	go run ./scripts/dictionary -id 40001 -o pkg/pack/1.dict events/payloads
//
// A dictionary that has packed anything is never built anew: what it packed could not
// be read again. Another one gets another number and a name of its own in pkg/pack.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"smartlead-receiver/pkg/smartlead"
)

// order is how the folders of payloads follow each other: what is most often received
// stands last, where a reference to it is shortest.
var order = []string{"alert", "leadenum", "short", "nestedtype", "unknown", "envelope", "odd", "nested", "apiflat", "help"}

func main() {
	log.SetFlags(0)
	id := flag.Uint("id", 0, "number of the dictionary, at least 32768")
	out := flag.String("o", "", "file to write")
	flag.Parse()
	if *id < 32768 || *out == "" || flag.NArg() != 1 {
		log.Fatal("usage: dictionary -id NUMBER -o FILE PAYLOADS; the number is at least 32768")
	}
	built, err := build(uint32(*id), flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*out, built, 0o600); err != nil {
		log.Fatal(err)
	}
}

func build(id uint32, dir string) ([]byte, error) {
	samples, history := [][]byte{}, []byte(mail)
	for _, folder := range order {
		bodies, err := payloads(filepath.Join(dir, folder))
		if err != nil {
			return nil, err
		}
		for _, body := range bodies {
			shape, err := shapeOf(body)
			if err != nil {
				return nil, err
			}
			samples, history = append(samples, body), merge(history, shape)
		}
	}
	return zstd.BuildDict(zstd.BuildDictOptions{
		ID: id, Contents: samples, History: history, Offsets: [3]int{1, 4, 8}, Level: zstd.SpeedFastest, CompatV155: true,
	})
}

// merge adds the runs of members of a shape that do not stand in the history yet, each
// with the member before it.
func merge(history, shape []byte) []byte {
	members := bytes.SplitAfter(shape, []byte(","))
	adding := true
	for i, m := range members {
		pair := m
		if i > 0 {
			pair = slices.Concat(members[i-1], m)
		}
		switch known := bytes.Contains(history, pair); {
		case known:
			adding = false
		case adding:
			history = append(history, m...)
		default:
			history, adding = append(history, pair...), true
		}
	}
	return history
}

// payloads are the bodies of a folder as they are stored, without spaces.
func payloads(dir string) (bodies [][]byte, err error) {
	const largest = 4000 // beyond it a body is made of one odd value
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		batch, err := smartlead.Parse(text, smartlead.Options{Account: "default", RedactionKey: []byte("a key for a dictionary")})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, el := range batch.Elements {
			var body bytes.Buffer
			if el.Err == nil && json.Compact(&body, el.Payload) == nil && body.Len() < largest {
				bodies = append(bodies, body.Bytes())
			}
		}
		return nil
	})
	return bodies, err
}

// shapeOf is a body with its values left out, but for words and what times and
// addresses begin with.
func shapeOf(body []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var out []byte
	var open []rune // objects and arrays that are open
	name := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch v := token.(type) {
		case json.Delim:
			out = append(out, string(v)...)
			if v == '{' || v == '[' {
				open = append(open, rune(v))
				name = v == '{'
				continue
			}
			open = open[:len(open)-1]
		case string:
			if name {
				out, name = fmt.Appendf(out, "%q:", v), false
				continue
			}
			out = fmt.Appendf(out, `"%s"`, wordOf(v))
		case json.Number:
			out = append(out, numberOf(v.String())...)
		default:
			out = fmt.Appendf(out, "%v", cond(v == nil, "null", v))
		}
		if d.More() {
			out = append(out, ',')
		}
		name = len(open) > 0 && open[len(open)-1] == '{'
	}
}

func cond(is bool, a, b any) any {
	if is {
		return a
	}
	return b
}

var (
	word = regexp.MustCompile(`^([A-Z][A-Z_]+|[A-Z][a-z]+[A-Z][A-Za-z]+|[a-z]+_[a-z_]+)$`)
	when = regexp.MustCompile(`^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]+([.][0-9]+)?(Z|\+00:00)$`)
)

// redacted is what stands before the fingerprint of a secret.
const redacted = "redacted:hmac:"

// wordOf is what a dictionary may know of a text.
func wordOf(s string) string {
	switch m := when.FindStringSubmatch(s); {
	case m != nil:
		return "2026-" + m[2]
	case word.MatchString(s):
		return s
	case strings.HasPrefix(s, redacted):
		return redacted
	case strings.HasPrefix(s, "https://app."):
		return s[:strings.LastIndexAny(s, "=/")+1]
	case strings.HasPrefix(s, "https://"):
		return "https://"
	case strings.HasPrefix(s, "<"):
		return cutTag(s)
	}
	return ""
}

// cutTag keeps the first tag of what is markup, and the bracket of a message id.
func cutTag(s string) string {
	if tag, _, ok := strings.Cut(s, ">"); ok && !strings.ContainsAny(tag, "@ ") {
		return tag + ">"
	}
	return "<"
}

func numberOf(s string) string {
	if len(s) == 1 {
		return s
	}
	return ""
}

// mail is what mail clients write around what a person wrote, as JSON has it.
const mail = "" +
	`<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head><body dir=\"auto\">` +
	`<style type=\"text/css\" style=\"display:none;\"> P {margin-top:0;margin-bottom:0;} </style>` +
	`<div class=\"elementToProof\" style=\"font-family: Aptos, Calibri, Helvetica, sans-serif; font-size: 12pt; color: rgb(0, 0, 0);\">` +
	`<div id=\"appendonsend\"></div>\r\n<hr style=\"display:inline-block;width:98%\" tabindex=\"-1\">\r\n<div id=\"divRplyFwdMsg\" dir=\"ltr\"><font face=\"Calibri, sans-serif\" style=\"font-size:11pt\" color=\"#000000\"><b>From:</b> ` +
	`<br><b>Sent:</b> <br><b>To:</b> <br><b>Subject:</b> </font></div>\r\n</body>\r\n</html>` +
	`<p class=\"MsoNormal\"><span style=\"font-size:11.0pt\"><o:p>&nbsp;</o:p></span></p>` +
	`</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, at AM &lt;<a href=\"mailto:` +
	`</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\" style=\"margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex\">` +
	`<br><blockquote type=\"cite\"></blockquote></div></body></html>` +
	`\r\n\r\n________________________________\r\nFrom: \r\nSent: \r\nTo: \r\nSubject: Re: ` +
	`\n\nBest regards,\n\nThanks,\n\nSent from my iPhone\n\nHi , thank you for reaching out. wrote:\n\n> ` +
	`<div dir=\"ltr\"><div><br></div><div>`
