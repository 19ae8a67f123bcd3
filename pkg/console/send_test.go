package console_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// The samples are those of the repository, a body of each type.
func TestSamplesAreThoseOfThePayloads(t *testing.T) {
	files, err := filepath.Glob("../../events/payloads/help/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("samples", filepath.Base(file))); err != nil || string(got) != string(want) {
			t.Errorf("%s differs from the sample (%v): copy it", file, err)
		}
	}
}

// keyless is a reply without the account's key: the form shows what was typed into it.
func keyless(n int) string {
	return strings.Replace(clitest.Reply(n), `"secret_key":"0b9f6a4e-the-account-key",`, "", 1)
}

func TestSend(t *testing.T) {
	c := consoletest.New(t)
	if strings.Contains(keyless(1), "secret_key") {
		t.Fatal("the key is still there")
	}
	a := c.Get("/send")
	holds(t, a.Text(), "What the receiver takes it for", "type EMAIL_REPLY", "tom@acme.example.com", "The id rests on these fields")
	holds(t, c.OK("/send?sample=open"), "type EMAIL_OPEN")
	if a := c.Get("/send?sample=../assets/app"); a.Status != http.StatusNotFound {
		t.Errorf("%d", a.Status)
	}
	form := func(body string) url.Values { return url.Values{"csrf": a.Form()["csrf"], "body": {body}} }
	post := func(path, body string) consoletest.Answer {
		return c.Do(c.Client, http.MethodPost, c.URL+path, form(body), nil)
	}

	holds(t, post("/send/identify", `{"event_type":`).Text(), "It would be refused: ")
	id := post("/send/identify", keyless(7))
	holds(t, id.Text(), "lead7@acme.example.com")
	if rec := c.OK("/events"); strings.Contains(rec, "lead7@") {
		t.Error("it was sent, and only asked about")
	}

	sent := post("/send", keyless(7))
	holds(t, sent.Text(), "The receiver took it: accepted.", "EMAIL_REPLY lead7@acme.example.com")
	holds(t, post("/send", keyless(7)).Text(), "The receiver took it: duplicate.")
	many := post("/send", "["+keyless(8)+",17,"+keyless(7)+"]")
	holds(t, many.Text(), "HTTP 200, 3 elements", "0 accepted", "1 rejected", "2 duplicate", "would be refused")
	holds(t, post("/send", "no json").Text(), "HTTP 400", "refused")
	holds(t, many.Body, "lead8@acme.example.com") // what was typed is still there

	// Another source's token is asked for, and shown nowhere.
	other := form(keyless(9))
	other.Set("source", "acme")
	holds(t, c.Do(c.Client, http.MethodPost, c.URL+"/send", other, nil).Text(), "the token of source acme is needed")
	other.Set("token", "slr_a-wrong-token-that-nobody-shows")
	wrong := c.Do(c.Client, http.MethodPost, c.URL+"/send", other, nil)
	holds(t, wrong.Text(), "HTTP 401")
	if strings.Contains(wrong.Body, "wrong-token") || strings.Contains(c.Audit(), "wrong-token") {
		t.Error("the token is shown")
	}
	holds(t, c.Audit(), `action=send`)
}
