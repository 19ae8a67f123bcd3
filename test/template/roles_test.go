package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

const (
	table     = "!GetAtt Table.Arn"
	live      = "!GetAtt LiveQueue.Arn"
	replayArn = "!GetAtt ReplayQueue.Arn"
	dlq       = "!GetAtt DeadLetterQueue.Arn"
	bodies    = "!Sub ${BodyBucket.Arn}/*"
	parameter = "!Sub arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/smartlead-receiver/${AWS::StackName}/"
)

func index(name string) string { return "!Sub ${Table.Arn}/index/" + name }

// allowed is all that each role may do: resource → actions. What a function
// does not need it must not be able to do; above all, the worker never sends
// to a queue that feeds it.
var allowed = map[string]map[string][]string{
	"ReceiverRole": {
		"!GetAtt ReceiverLogGroup.Arn": {"logs:CreateLogStream", "logs:PutLogEvents"},
		table:                          {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"},
		live:                           {"sqs:SendMessage"},
		bodies:                         {"s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"},
	},
	"WorkerRole": {
		"!GetAtt WorkerLogGroup.Arn": {"logs:CreateLogStream", "logs:PutLogEvents"},
		table: {
			"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem",
			"dynamodb:Query", "dynamodb:UpdateItem",
		},
		index("lead"):                {"dynamodb:Query"},
		live:                         {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
		replayArn:                    {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
		dlq:                          {"sqs:SendMessage"},
		bodies:                       {"s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"},
		"!GetAtt BodyBucket.Arn":     {"s3:ListBucket"},
		parameter + "destinations":   {"ssm:GetParametersByPath"},
		parameter + "destinations/*": {"ssm:GetParametersByPath"},
	},
	"SweeperRole": {
		"!GetAtt SweeperLogGroup.Arn": {"logs:CreateLogStream", "logs:PutLogEvents"},
		table: {
			"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem",
			"dynamodb:Query", "dynamodb:UpdateItem",
		},
		parameter + "notices":   {"ssm:GetParametersByPath"},
		parameter + "notices/*": {"ssm:GetParametersByPath"},
		index("due"):            {"dynamodb:Query"},
		index("dead"):           {"dynamodb:Query"},
		index("time"):           {"dynamodb:Query"},
		live:                    {"sqs:SendMessage"},
		replayArn:               {"sqs:SendMessage"},
		dlq:                     {"sqs:SendMessage"},
	},
	"RedriveRole": {
		"!GetAtt RedriveLogGroup.Arn": {"logs:CreateLogStream", "logs:PutLogEvents"},
		table: {
			"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem",
			"dynamodb:Query", "dynamodb:UpdateItem",
		},
		index("dead"): {"dynamodb:Query"},
		index("time"): {"dynamodb:Query"},
		live:          {"sqs:SendMessage"},
		replayArn:     {"sqs:SendMessage"},
		dlq:           {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"},
	},
	"ReconcileRole": {
		"!GetAtt ReconcileLogGroup.Arn": {"logs:CreateLogStream", "logs:PutLogEvents"},
		table:                           {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"},
		index("time"):                   {"dynamodb:Query"},
		parameter + "smartlead-api-key": {"ssm:GetParameter"},
	},
	"ArchiverRole": {
		"!GetAtt ArchiverLogGroup.Arn": {"logs:CreateLogStream", "logs:PutLogEvents"},
	},
}

func TestEachRoleMayDoExactlyItsOwn(t *testing.T) {
	roles := ofType(t, load(t), "AWS::IAM::Role")
	if got, want := slices.Sorted(maps.Keys(roles)), slices.Sorted(maps.Keys(allowed)); !slices.Equal(got, want) {
		t.Fatalf("roles are %v, want %v", got, want)
	}
	for id, role := range roles {
		if _, managed := role["ManagedPolicyArns"]; managed {
			t.Errorf("%s has managed policies, which allow more than it needs", id)
		}
		got := granted(t, role)
		for _, resource := range slices.Sorted(maps.Keys(got)) {
			if want := allowed[id][resource]; !slices.Equal(got[resource], want) {
				t.Errorf("%s may %v on %s, want %v", id, got[resource], resource, want)
			}
		}
		for resource, want := range allowed[id] {
			if _, ok := got[resource]; !ok {
				t.Errorf("%s may do nothing on %s, want %v", id, resource, want)
			}
		}
	}
}

// What the functions may write in the table and the bucket does not include who
// may post to them.
func TestNoFunctionMayWriteASource(t *testing.T) {
	for id, role := range ofType(t, load(t), "AWS::IAM::Role") {
		policies, _ := at(t, role, "Policies").([]any)
		denied := map[string]bool{}
		for _, policy := range policies {
			statements, _ := at(t, policy, "PolicyDocument", "Statement").([]any)
			for _, s := range statements {
				if at(t, s, "Effect") != "Deny" {
					continue
				}
				for _, action := range texts(at(t, s, "Action")) {
					for _, resource := range texts(at(t, s, "Resource")) {
						denied[action+" on "+resource] = true
					}
				}
			}
		}
		got := granted(t, role)
		for _, action := range []string{"dynamodb:PutItem", "dynamodb:UpdateItem"} {
			if slices.Contains(got[table], action) && !denied[action+" on "+table] {
				t.Errorf("%s may %s a source", id, action)
			}
		}
		if slices.Contains(got[bodies], "s3:PutObject") && !denied["s3:PutObject on !Sub ${BodyBucket.Arn}/_sources/*"] {
			t.Errorf("%s may write the copy of the sources", id)
		}
	}
}

// What the worker may deliver to is what the operator lists, and never what feeds it.
func TestTheWorkerDeliversOnlyToWhatIsListed(t *testing.T) {
	policy := ofType(t, load(t), "AWS::IAM::Policy")["WorkerDestinationPolicy"]
	if roles := texts(at(t, policy, "Roles")); !slices.Equal(roles, []string{"!Ref WorkerRole"}) {
		t.Errorf("it is one of %v", roles)
	}
	got := map[string][]string{}
	statements, _ := at(t, policy, "PolicyDocument", "Statement").([]any)
	for _, s := range statements {
		for _, resource := range texts(at(t, s, "Resource")) {
			got[at(t, s, "Effect").(string)+" "+resource] = texts(at(t, s, "Action"))
		}
	}
	want := map[string][]string{
		"Allow !Ref DestinationArns": {"events:PutEvents", "firehose:PutRecordBatch", "kms:Decrypt", "kms:GenerateDataKey", "sns:Publish", "sqs:SendMessage"},
		"Deny " + live:               {"sqs:SendMessage"},
		"Deny " + replayArn:          {"sqs:SendMessage"},
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Of the archive the archiver reads and adds objects, and neither overwrites nor deletes
// any: who forgets a lead does.
func TestTheArchiverOnlyAddsToTheArchive(t *testing.T) {
	policy := ofType(t, load(t), "AWS::IAM::Policy")["ArchivePolicy"]
	if roles := texts(at(t, policy, "Roles")); !slices.Equal(roles, []string{"!Ref ArchiverRole"}) {
		t.Errorf("it is one of %v", roles)
	}
	const below, bucket = "arn:${AWS::Partition}:s3:::${Bucket}/${ArchivePrefix}/*", "arn:${AWS::Partition}:s3:::${Bucket}"
	want := map[string]string{"s3:PutObject": below, "s3:GetObject": below, "s3:ListBucket": bucket}
	conditions := map[string]string{"s3:PutObject": "map[Null:map[s3:if-none-match:false]]", "s3:ListBucket": "map[StringLike:map[s3:prefix:map[!Sub:${ArchivePrefix}/*]]]"}
	statements, _ := at(t, policy, "PolicyDocument", "Statement").([]any)
	for _, s := range statements {
		if _, ofTheArchive := at(t, s, "Resource").(object)["!Sub"].([]any); !ofTheArchive {
			continue
		}
		actions := texts(at(t, s, "Action"))
		resource, _ := at(t, s, "Resource", "!Sub").([]any)
		if len(actions) != 1 || len(resource) != 2 || at(t, s, "Effect") != "Allow" || want[actions[0]] != resource[0] {
			t.Errorf("it allows %v on %v", actions, resource)
			continue
		}
		condition, has := s.(object)["Condition"]
		if got := fmt.Sprint(condition); has != (conditions[actions[0]] != "") || has && got != conditions[actions[0]] {
			t.Errorf("%s has the condition %s", actions[0], got)
		}
		delete(want, actions[0])
	}
	if len(want) > 0 {
		t.Errorf("it does not allow %v", want)
	}
}

// What the archiver needs it has only where there is an archive; of the table it writes
// where that stands.
func TestTheArchiverReadsEventsOnlyWhereThereIsAnArchive(t *testing.T) {
	template := load(t)
	if condition := at(t, template, "Resources", "ArchivePolicy", "Condition"); condition != "HasArchive" {
		t.Errorf("it is there if %v", condition)
	}
	got := map[string][]string{}
	statements, _ := at(t, template, "Resources", "ArchivePolicy", "Properties", "PolicyDocument", "Statement").([]any)
	for _, s := range statements {
		for _, resource := range texts(at(t, s, "Resource")) {
			key := at(t, s, "Effect").(string) + " " + resource
			got[key] = append(got[key], texts(at(t, s, "Action"))...)
		}
		if at(t, s, "Sid") == "KeepWhereItStands" {
			if keys := texts(at(t, s, "Condition", "ForAllValues:StringEquals", "dynamodb:LeadingKeys")); !slices.Equal(keys, []string{"archive"}) {
				t.Errorf("it may write %v", keys)
			}
		}
	}
	want := map[string][]string{
		"Allow " + table:               {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"},
		"Allow " + index("time"):       {"dynamodb:Query"},
		"Allow " + bodies:              {"s3:GetObject"},
		"Allow !GetAtt BodyBucket.Arn": {"s3:ListBucket"},
		"Deny " + table:                {"dynamodb:PutItem", "dynamodb:UpdateItem"},
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNoRoleHasAWildcard(t *testing.T) {
	for id, role := range ofType(t, load(t), "AWS::IAM::Role") {
		for resource, actions := range granted(t, role) {
			if resource == "*" {
				t.Errorf("%s may %v on everything", id, actions)
			}
			for _, action := range actions {
				if strings.Contains(action, "*") {
					t.Errorf("%s may %s on %s", id, action, resource)
				}
			}
		}
	}
}

func TestEachFunctionHasItsOwnRole(t *testing.T) {
	for id, f := range ofType(t, load(t), "AWS::Serverless::Function") {
		want := strings.TrimSuffix(id, "Function") + "Role"
		if got := ref(at(t, f, "Role")); got != want {
			t.Errorf("%s runs as %s, want %s", id, got, want)
		}
	}
}

// granted returns the sorted actions of a role on each resource.
func granted(t *testing.T, role object) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	policies, _ := at(t, role, "Policies").([]any)
	for _, policy := range policies {
		statements, _ := at(t, policy, "PolicyDocument", "Statement").([]any)
		for _, s := range statements {
			if at(t, s, "Effect") != "Allow" {
				continue
			}
			for _, resource := range texts(at(t, s, "Resource")) {
				got[resource] = append(got[resource], texts(at(t, s, "Action"))...)
			}
		}
	}
	for _, actions := range got {
		slices.Sort(actions)
	}
	return got
}

// What the function needs to make events it has only where it is to make them, and of the
// table no more than keys of events.
func TestTheComparisonWritesEventsOnlyWhereItIsToMakeThem(t *testing.T) {
	template := load(t)
	policy := ofType(t, template, "AWS::IAM::Policy")["ReconcileMakesEventsPolicy"]
	if at(t, policy, "Roles") == nil || !slices.Equal(texts(at(t, policy, "Roles")), []string{"!Ref ReconcileRole"}) {
		t.Fatalf("%v", policy)
	}
	if condition := at(t, template, "Resources", "ReconcileMakesEventsPolicy", "Condition"); condition != "MakesEvents" {
		t.Errorf("it is there if %v", condition)
	}
	if is := fmt.Sprint(at(t, template, "Conditions", "MakesEvents")); !strings.Contains(is, "ReconcileRepair") || !strings.Contains(is, "synthesize") {
		t.Errorf("MakesEvents is %s", is)
	}
	if def := at(t, template, "Parameters", "ReconcileRepair", "Default"); def != "off" {
		t.Errorf("by default it is %v", def)
	}
	got := map[string][]string{}
	statements, _ := at(t, policy, "PolicyDocument", "Statement").([]any)
	for _, s := range statements {
		for _, resource := range texts(at(t, s, "Resource")) {
			got[at(t, s, "Effect").(string)+" "+resource] = texts(at(t, s, "Action"))
		}
		if at(t, s, "Sid") == "ClaimAndErase" {
			if keys := texts(at(t, s, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys")); !slices.Equal(keys, []string{"v1:*"}) {
				t.Errorf("it may write %v", keys)
			}
		}
	}
	want := map[string][]string{
		"Allow " + table:                         {"dynamodb:PutItem", "dynamodb:UpdateItem"},
		"Allow " + live:                          {"sqs:SendMessage"},
		"Allow " + bodies:                        {"s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"},
		"Allow " + parameter + "erasure-key":     {"ssm:GetParameter"},
		"Deny !Sub ${BodyBucket.Arn}/_sources/*": {"s3:PutObject", "s3:PutObjectTagging"},
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
	variables := at(t, template, "Resources", "ReconcileFunction", "Properties", "Environment", "Variables").(object)
	for _, name := range []string{"LIVE_QUEUE_URL", "BODY_BUCKET"} {
		if is := fmt.Sprint(variables[name]); !strings.Contains(is, "MakesEvents") {
			t.Errorf("%s is %s", name, is)
		}
	}
}

// Documents of the comparison are the only other keys that its function may write.
func TestTheComparisonOtherwiseWritesItsOwnDocuments(t *testing.T) {
	role := ofType(t, load(t), "AWS::IAM::Role")["ReconcileRole"]
	policies, _ := at(t, role, "Policies").([]any)
	statements, _ := at(t, policies[0], "PolicyDocument", "Statement").([]any)
	for _, s := range statements {
		if at(t, s, "Effect") != "Allow" || !slices.Contains(texts(at(t, s, "Action")), "dynamodb:PutItem") {
			continue
		}
		keys := texts(at(t, s, "Condition", "ForAllValues:StringEquals", "dynamodb:LeadingKeys"))
		want := []string{"reconcile", "reconcile-campaign", "reconcile-run", "repair", "repair_asked", "incident"}
		if !slices.Equal(keys, want) {
			t.Errorf("it may write %v, want %v", keys, want)
		}
	}
}
