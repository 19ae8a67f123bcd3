module smartlead-receiver

go 1.26.0
