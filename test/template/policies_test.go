package template

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// policies returns the rights of a file of deploy/, as resource → actions, and its text.
func policies(t *testing.T, who string) (map[string][]string, string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy", who+"-policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	return allowedBy(t, text), string(text)
}

func allowedBy(t *testing.T, text []byte) map[string][]string {
	t.Helper()
	var document struct {
		Version   string
		Statement []struct {
			Sid, Effect      string
			Action, Resource any
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, s := range document.Statement {
		if s.Effect != "Allow" || s.Sid == "" || document.Version != "2012-10-17" {
			t.Errorf("%s of version %s: %s", s.Sid, document.Version, s.Effect)
		}
		for _, resource := range list(s.Resource) {
			got[resource] = append(got[resource], list(s.Action)...)
		}
	}
	return got
}

func list(v any) []string {
	if one, ok := v.(string); ok {
		return []string{one}
	}
	var all []string
	for _, one := range v.([]any) {
		all = append(all, one.(string))
	}
	return all
}

var placeholder = regexp.MustCompile(`\b[A-Z]{4,}\b`)

func TestPoliciesNameWhatTheTemplateMakes(t *testing.T) {
	template := load(t)
	known := []string{"REGION", "ACCOUNT", "STACK", "TABLE", "BUCKET"}
	for _, who := range []string{"operator", "reader"} {
		rights, text := policies(t, who)
		for _, word := range placeholder.FindAllString(text, -1) {
			if !slices.Contains(known, word) {
				t.Errorf("%s: nobody fills in %s", who, word)
			}
		}
		for _, q := range ofType(t, template, "AWS::SQS::Queue") {
			name := strings.Replace(texts(at(t, q, "QueueName"))[0], "!Sub ${AWS::StackName}", "STACK", 1)
			if _, ok := rights["arn:aws:sqs:REGION:ACCOUNT:"+name]; !ok {
				t.Errorf("%s may not look at %s", who, name)
			}
		}
		for _, index := range at(t, ofType(t, template, "AWS::DynamoDB::Table")["Table"], "GlobalSecondaryIndexes").([]any) {
			if name := fmt.Sprint(at(t, index, "IndexName")); rights["arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE/index/"+name] == nil {
				t.Errorf("%s may not read the index %s", who, name)
			}
		}
		for id := range ofType(t, template, "AWS::Serverless::Function") {
			if rights["arn:aws:lambda:REGION:ACCOUNT:function:STACK-"+id+"-*"] == nil {
				t.Errorf("%s may not look at %s", who, id)
			}
		}
	}
}

func TestPoliciesAllowNoMoreThanTheyMust(t *testing.T) {
	operator, _ := policies(t, "operator")
	reader, _ := policies(t, "reader")
	for resource, actions := range operator {
		for _, action := range actions {
			if strings.Contains(action, "*") {
				t.Errorf("the operator may %s", action)
			}
			// AWS cannot narrow these to a resource.
			wide := []string{"lambda:GetAccountSettings", "lambda:ListEventSourceMappings", "cloudwatch:GetMetricData"}
			if resource == "*" && !slices.Contains(wide, action) {
				t.Errorf("the operator may %s on everything", action)
			}
		}
	}
	looks := regexp.MustCompile(`^\w+:(Get|List|Describe|Query|BatchGet|ReceiveMessage$|ChangeMessageVisibility$)`)
	for resource, actions := range reader {
		for _, action := range actions {
			if !slices.Contains(operator[resource], action) {
				t.Errorf("the reader may %s on %s, and the operator may not", action, resource)
			}
			if !looks.MatchString(action) || strings.HasPrefix(action, "ssm:") {
				t.Errorf("the reader may %s", action)
			}
		}
	}
}

// The lines of docs/INSTALL.md fill in the names; of AWS, only what they ask is answered.
func TestInstallSaysHowToFillInAPolicy(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(root, "docs/INSTALL.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(document), "```\nstack=")
	lines, _, _ := strings.Cut(rest, "\naws iam ")
	folder := t.TempDir()
	script := `aws() { case "$*" in *get-caller-identity*) echo 123456789012;; *TableName*) echo a-Table-1X;; *BodyBucket*) echo a-bodybucket-2y;; esac; }
stack=` + strings.Replace(lines, "> policy.json", "> "+folder+"/policy.json", 1)
	for _, who := range []string{"operator", "reader"} {
		cmd := exec.Command("bash", "-euc", strings.Replace(script, "who=operator", "who="+who, 1))
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		text, err := os.ReadFile(filepath.Join(folder, "policy.json"))
		if err != nil {
			t.Fatal(err)
		}
		if left := placeholder.FindString(string(text)); left != "" {
			t.Errorf("%s: %s is left", who, left)
		}
		rights := allowedBy(t, text)
		for _, resource := range []string{
			"arn:aws:dynamodb:eu-central-1:123456789012:table/a-Table-1X", "arn:aws:s3:::a-bodybucket-2y/*",
			"arn:aws:sqs:eu-central-1:123456789012:smartlead-receiver-dlq",
		} {
			if rights[resource] == nil {
				t.Errorf("%s has no %s", who, resource)
			}
		}
		// A managed policy may have 6,144 characters, spaces not counted; names may grow.
		if n := len(strings.Join(strings.Fields(string(text)), "")); n > 5000 {
			t.Errorf("%s has %d characters", who, n)
		}
	}
}

// Who deploys reads there what can be set, and which services are touched.
func TestInstallNamesEverySettingAndService(t *testing.T) {
	template := load(t)
	text, err := os.ReadFile(filepath.Join(root, "docs/INSTALL.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		names, defaults := strings.Split(cells[1], ","), strings.Split(cells[2], ",")
		if len(names) != len(defaults) {
			continue
		}
		for i, name := range names {
			row[strings.Trim(name, " `")] = strings.TrimSpace(defaults[i])
		}
	}
	parameters := at(t, template, "Parameters").(object)
	for name := range parameters {
		want := fmt.Sprint(at(t, parameters, name, "Default"))
		if want == "" {
			want = "none"
		}
		if row[name] != want {
			t.Errorf("%s is %q there, and %q in the template", name, row[name], want)
		}
	}
	for id := range at(t, template, "Resources").(object) {
		kind := fmt.Sprint(at(t, template, "Resources", id, "Type"))
		service := strings.Join(strings.Split(kind, "::")[:2], "::")
		if service = strings.Replace(service, "AWS::Serverless", "AWS::Lambda", 1); !strings.Contains(string(text), service) {
			t.Errorf("%s is not said to be touched, for %s", service, id)
		}
	}
}
