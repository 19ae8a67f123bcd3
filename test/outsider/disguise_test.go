package outsider

import (
	"encoding/json"
	"strings"
)

// disguise is how an outsider sends a body that a trusted sender sends, too.
type disguise struct {
	name string
	wear func(body string) string
}

func key(value string) string { return member("secret_key", value) }

func member(name, value string) string {
	quoted, _ := json.Marshal(value) // text: it cannot fail
	return `"` + name + `":` + string(quoted)
}

// with puts members before those of the object.
func with(object string, members ...string) string {
	rest := object[1:]
	if rest != "}" {
		members = append(members, "")
	}
	return "{" + strings.Join(members, ",") + rest
}

// behind puts members behind those of the object.
func behind(object string, members ...string) string {
	if object == "{}" {
		return with(object, members...)
	}
	return object[:len(object)-1] + "," + strings.Join(members, ",") + "}"
}

// wrapped puts the object into a relay's wrapper.
func wrapped(object string, members ...string) string {
	return "{" + strings.Join(append(members, `"body":`+object), ",") + "}"
}

const testSecret = "secretkey"

// aliens are what the fingerprint leaves out and a destination reads or selects by.
var aliens = []string{
	`"client_id":666`, `"campaign_name":"alien"`, `"app_url":"https://alien.example/"`, `"webhook_name":"alien"`, `"description":"alien"`,
}

var disguises = []disguise{
	{"no secret", func(b string) string { return b }},
	{"a secret that is null", func(b string) string { return with(b, `"secret_key":null`) }},
	{"an empty secret", func(b string) string { return with(b, key("")) }},
	{"a secret that is an object", func(b string) string { return with(b, `"secret_key":{"a":"`+testSecret+`"}`) }},
	{"a wrong secret", func(b string) string { return with(b, key("3f0f5c1e-0000-4000-8000-000000000000")) }},
	{"the body of before a rotation", func(b string) string { return with(b, key(retired)) }},
	{"another case of the secret", func(b string) string { return with(b, key(strings.ToUpper(secret))) }},
	{"a fingerprint for a secret", func(b string) string { return with(b, key("redacted:hmac:0123456789ab")) }},
	{"the test's", func(b string) string { return with(b, key(testSecret)) }},
	{"the test's with blanks", func(b string) string { return with(b, key(" "+testSecret+"\t")) }},
	{"the test's escaped", func(b string) string { return with(b, `"secret_key":"\u0073ecretkey"`) }},
	{"the test's in capitals", func(b string) string { return with(b, key("SecretKey")) }},
	{"the test's, name in capitals", func(b string) string { return with(b, member("SECRET_KEY", testSecret)) }},
	{"the test's, name in camel case", func(b string) string { return with(b, member("secretKey", testSecret)) }},
	{"a wrong one, then the test's", func(b string) string { return behind(with(b, key("wrong-secret")), key(testSecret)) }},
	{"the test's, then a wrong one", func(b string) string { return behind(with(b, key(testSecret)), key("wrong-secret")) }},
	{"the test's, then null", func(b string) string { return behind(with(b, key(testSecret)), `"secret_key":null`) }},
	{"two spellings", func(b string) string { return behind(with(b, key(testSecret)), member("SecretKey", "wrong-secret")) }},
	{"the test's in the wrapper", func(b string) string { return wrapped(b, key(testSecret)) }},
	{"a wrong one in the wrapper of the test's", func(b string) string { return wrapped(with(b, key(testSecret)), key("wrong-secret")) }},
	{"the test's in a wrapper as text", func(b string) string {
		text, _ := json.Marshal(with(b, key(testSecret)))
		return wrapped(string(text))
	}},
	{"no secret, altered where no fingerprint is", func(b string) string { return behind(b, aliens...) }},
	{"the test's, altered where no fingerprint is", func(b string) string { return with(behind(b, aliens...), key(testSecret)) }},
}
