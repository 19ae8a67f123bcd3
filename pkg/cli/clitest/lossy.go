package clitest

import (
	"net/http/httptest"
	"strings"

	"smartlead-receiver/pkg/smartleadapi/fakeapi"
)

// APIKey is that of the account which Lossy simulates.
const APIKey = "the-key-of-the-api"

// Lossy is a simulated account of Smartlead beside the stack, of 24 leads: the events of
// every tenth lead were lost on their way, and of one reply the delivery failed by
// Smartlead's own count, so that Smartlead posts it again. The stack finds its API; the
// key is in the environment. lost are the posts that nobody brings again.
func (s *Stack) Lossy() (account *fakeapi.Account, lost []fakeapi.Post) {
	s.t.Helper()
	account = fakeapi.Simulate(APIKey, s.Clock(), 24)
	c := account.Campaigns[0]
	c.Hooks = []fakeapi.Hook{{
		ID: 11, Name: "all", URL: s.Front.URL + "/webhooks/demo/" + s.Token,
		Events: []string{"EMAIL_SENT", "EMAIL_OPEN", "EMAIL_REPLY", "EMAIL_LINK_CLICK", "LEAD_UNSUBSCRIBED"},
	}}
	server := httptest.NewServer(fakeapi.New(fakeapi.Options{Account: account, Now: s.Clock}))
	s.t.Cleanup(server.Close)
	s.Secrets = append(s.Secrets, APIKey)
	s.Getenv["SMARTLEAD_API_KEY"] = APIKey
	s.SmartleadURL = server.URL
	s.WriteInfo(s.Env.Config.ParameterPrefix)
	failed := false
	for _, p := range c.Posts(s.Clock()) {
		name, _, _ := strings.Cut(p.Lead, "@")
		switch {
		case p.Type == "FIRST_EMAIL_SENT": // not ticked
		case p.Type == "EMAIL_REPLY" && !failed:
			c.Lost, failed = append(c.Lost, p), true
		case strings.HasSuffix(name, "3"):
			lost = append(lost, p)
		default:
			s.Post(string(p.Body))
		}
	}
	s.Work()
	return account, lost
}
