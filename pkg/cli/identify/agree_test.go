package identify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"smartlead-receiver/pkg/cli/clitest"
)

// contentTypes are one under which API Gateway passes text, one under which it does
// not, and none.
var contentTypes = []string{"application/json", "application/octet-stream", ""}

// identify says of every body what the receiver does with it, byte for byte of its
// error: of each payload of the corpus, and of each cut, changed and joined.
func TestIdentifyAgreesWithTheReceiver(t *testing.T) {
	s := clitest.New(t)
	random := rand.New(rand.NewPCG(1, 2))
	corpus := bodies(t)
	refused, replaced, events := 0, 0, 0
	for i, body := range corpus {
		candidates := [][]byte{body}
		if i%3 == 0 {
			candidates = append(candidates, mutants(random, body, corpus[random.IntN(len(corpus))])...)
		}
		for n, candidate := range candidates {
			contentType := contentTypes[0] // Smartlead's
			if n%2 == 1 {
				contentType = contentTypes[1+i%2]
			}
			want, got := receiver(t, s, contentType, candidate), identified(t, s, contentType, candidate)
			if want != got {
				t.Errorf("%s %.300q:\nthe receiver: %s\nidentify:     %s", contentType, candidate, want, got)
			}
			events += strings.Count(want, "v1:")
			if !strings.Contains(want, "v1:") {
				refused++
			}
			if strings.Contains(want, "v1:") && !utf8.Valid(candidate) {
				replaced++
			}
		}
	}
	t.Logf("%d payloads: %d events, %d bodies without one, %d with replaced bytes", len(corpus), events, refused, replaced)
	if events < 100 || refused < 50 || replaced < 1 {
		t.Errorf("%d events, %d bodies without, %d with replaced bytes: this test looks at too little", events, refused, replaced)
	}
}

func bodies(t *testing.T) (all [][]byte) {
	t.Helper()
	for _, root := range []string{"testdata/bodies", "../../../events/payloads"} {
		before := len(all)
		err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) == ".golden" || filepath.Ext(path) == ".md" {
				return err
			}
			body, err := os.ReadFile(path)
			all = append(all, body)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == before {
			t.Fatalf("%s has no payloads", root)
		}
	}
	return all
}

// mutants are what goes wrong on the way: bytes lost, changed, of another encoding;
// two bodies joined by a line, or in an array.
func mutants(random *rand.Rand, body, other []byte) [][]byte {
	if len(body) == 0 {
		return nil
	}
	at := random.IntN(len(body))
	latin := bytes.Clone(body)
	latin[at] = 0xE9
	changed := bytes.Clone(body)
	changed[random.IntN(len(body))] = byte(random.IntN(256))
	latinText := bytes.Replace(body, []byte(`": "`), []byte("\": \"\xe9\xe9"), 1)
	return [][]byte{
		body[:at], latin, changed, latinText,
		append(append(bytes.Clone(body), '\n'), other...),
		fmt.Appendf(nil, "[%s,%s,5]", body, other),
	}
}

// receiver returns what the receiver answers: an id for each element, or an error.
func receiver(t *testing.T, s *clitest.Stack, contentType string, body []byte) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Front.URL+"/webhooks/demo/"+s.Token, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Error   string `json:"error"`
		Results []struct {
			EventID string `json:"event_id"`
			Error   string `json:"error"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%d %s: %v", resp.StatusCode, text, err)
	}
	if answer.Error != "" {
		return answer.Error
	}
	var all []string
	for _, r := range answer.Results {
		id, _, _ := strings.Cut(r.EventID, "~") // the ledger's occurrence
		all = append(all, id+r.Error)
	}
	return strings.Join(all, " | ")
}

// identified returns the same in the words of the command.
func identified(t *testing.T, s *clitest.Stack, contentType string, body []byte) string {
	t.Helper()
	s.Input = string(body)
	if contentType == "" {
		contentType = "none"
	}
	r := s.Run("identify", "--json", "--content-type", contentType, "-")
	var all []string
	for _, line := range clitest.Lines(t, r.Out) {
		id, _ := line["event_id"].(string)
		reason, _ := line["error"].(string)
		all = append(all, id+reason)
	}
	return strings.Join(all, " | ")
}

// A body in Latin-1 is an event under a JSON type, as the receiver's front passes it.
func TestIdentifySaysThatBytesWereReplaced(t *testing.T) {
	s := clitest.New(t)
	r := s.OK("identify", "testdata/bodies/latin1.json")
	if v := clitest.Lines(t, r.Out)[0]; v["replaced_bytes"] != 1.0 || v["event_id"] == nil || !strings.Contains(r.Err, "1 byte is not UTF-8") {
		t.Errorf("got %v, %s", v, r.Err)
	}
	s.Fails(1, "refused", "identify", "--content-type", "application/octet-stream", "testdata/bodies/latin1.json")
}
