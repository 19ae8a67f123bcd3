package smartlead

import (
	"strings"
	"testing"
)

func TestRedaction(t *testing.T) {
	opts := Options{Account: "a", RedactionKey: []byte("k"), Secrets: []string{"t0k/n+with=signs"}}
	secret := newRedactor(opts).fingerprint("s3cr3t")
	for name, c := range map[string][2]string{
		"secret_key":            {`{"secret_key":"s3cr3t"}`, `{"secret_key":"` + secret + `"}`},
		"any case":              {`{"X-API-Key":"s3cr3t","apiKey":"s3cr3t"}`, `{"X-API-Key":"` + secret + `","apiKey":"` + secret + `"}`},
		"deep":                  {`{"a":[{"Authorization":"s3cr3t"}]}`, `{"a":[{"Authorization":"` + secret + `"}]}`},
		"absent":                {`{"secret_key":null,"api_key":"","token":"null"}`, `{"secret_key":null,"api_key":"","token":"null"}`},
		"test literal":          {`{"secret_key":"secretkey"}`, `{"secret_key":"secretkey"}`},
		"test literal, blanks":  {`{"secret_key":"\tsecretkey "}`, `{"secret_key":"\tsecretkey "}`},
		"already":               {`{"secret_key":"redacted:hmac:0123456789ab"}`, `{"secret_key":"redacted:hmac:0123456789ab"}`},
		"hook":                  {`{"webhook_url":"https://h.example:8443/webhooks/a/b?c#d"}`, `{"webhook_url":"https://h.example:8443"}`},
		"hook, other case":      {`{"a":{"WebhookURL":"http://u:p@h.example/x"}}`, `{"a":{"WebhookURL":"http://h.example"}}`},
		"hook, no URL":          {`{"webhook_url":"b"}`, `{"webhook_url":"redacted"}`},
		"hook, escaped":         {`{"webhook_url":"https:\/\/h.example\/x"}`, `{"webhook_url":"https://h.example"}`},
		"path":                  {`{"a":"at https://h.example/webhooks/demo/abc?x=1, or"}`, `{"a":"at https://h.example/webhooks/demo/redacted?x=1, or"}`},
		"path, query":           {`{"a":"/webhooks/demo?token=abc z"}`, `{"a":"/webhooks/demo?redacted z"}`},
		"path, encoded":         {`{"a":"u=%2Fwebhooks%2Fdemo%2Fabc%3Fx"}`, `{"a":"u=%2Fwebhooks%2Fdemo%2Fredacted%3Fx"}`},
		"path, in a query":      {`{"a":"/webhooks/demo?/webhooks/demo/abc z"}`, `{"a":"/webhooks/demo?redacted z"}`},
		"paths":                 {`{"a":"/webhooks/demo/abc/webhooks/demo/def"}`, `{"a":"/webhooks/demo/redacted/webhooks/demo/redacted"}`},
		"path, made by another": {`{"a":"\\/webhooks\\/secretkey=/webhooks/\\/webhooks\\/"}`, `{"a":"\\/webhooks\\/secretkey=redacted\\/redacted\\/"}`},
		"assignment":            {`{"a":"?api_key=s3cr3t&b=1"}`, `{"a":"?api_key=redacted&b=1"}`},
		"assignment, encoded":   {`{"a":"%3Fapi_key%3Ds3cr3t%26b"}`, `{"a":"%3Fapi_key%3Dredacted%26b"}`},
		"JSON inside":           {`{"a":"{\"secret_key\": \"s3cr3t\"}"}`, `{"a":"{\"secret_key\": \"redacted\"}"}`},
		"bearer":                {`{"a":"Authorization: Bearer s3cr3t"}`, `{"a":"Authorization: Bearer redacted"}`},
		"own links stay":        {`{"a":"https://x.example/?token=abc&key=d"}`, `{"a":"https://x.example/?token=abc&key=d"}`},
		"headers of wrapper":    {`{"headers":{"a":"b"},"body":"text"}`, `{"headers":"redacted","body":"text"}`},
		"literal":               {`{"a":"x t0k/n+with=signs y"}`, `{"a":"x redacted y"}`},
		"literal, escaped":      {`{"a":"t0k\/n\u002bwith=signs"}`, `{"a":"redacted"}`},
		"literal, encoded":      {`{"a":"t0k%2Fn%2Bwith%3Dsigns"}`, `{"a":"redacted"}`},
		"literal, as name":      {`{"t0k/n+with=signs":1}`, `{"redacted":1}`},
		"names that collide":    {`{"t0k/n+with=signs":1,"b":2,"redacted":3}`, `{"b":2,"redacted":3}`},
		"duplicates":            {`{"a":1, "b":2, "\u0061":3, "b":{"c":1,"c":2}}`, `{"\u0061":3, "b":{"c":2}}`},
		"surrogates":            {`{"a":"\ud83d\ude00 \ud83d \uFFFD"}`, `{"a":"😀 � �"}`},
		"untouched":             {`{ "a" : [ 1.50, "\u00e9\n", null ] }`, `{ "a" : [ 1.50, "\u00e9\n", null ] }`},
	} {
		t.Run(name, func(t *testing.T) {
			e := one(t, c[0], opts)
			if string(e.Payload) != c[1] {
				t.Errorf("got  %s\nwant %s", e.Payload, c[1])
			}
			checkElement(t, e, opts)
		})
	}
}

func TestSecretKey(t *testing.T) {
	e := one(t, `{"secret_key":"first","event_type":"EMAIL_OPEN","secret_key":"second"}`, corpusOptions)
	if e.SecretKey != "second" || e.TestEvent {
		t.Errorf("got secret %q, test event %v, want \"second\", false", e.SecretKey, e.TestEvent)
	}
	if e = one(t, `{"secret_key":" secretkey "}`, corpusOptions); !e.TestEvent || e.SecretKey != testSecret {
		t.Errorf("with blanks: %+v", e)
	}
	if e = one(t, `{"secret_key":"secretkey"}`, corpusOptions); !e.TestEvent {
		t.Error("of the dashboard's word: got no test event, want one")
	}
	if e = one(t, `{"secret_key":"SecretKey"}`, corpusOptions); e.TestEvent {
		t.Error("of another word: got a test event, want none")
	}
}

func TestErrorsSayNothingOfTheBody(t *testing.T) {
	for _, body := range []string{`{"a":s3cr3t}`, `"s3cr3t"`, `s3cr3t`, `{"s3cr3t`, "{\"s3cr3t\":\"\xff\"}", `{"a":"s3cr3t\q"}`} {
		if _, err := Parse([]byte(body), corpusOptions); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: got %v, want an error without the secret", body, err)
		}
	}
}
