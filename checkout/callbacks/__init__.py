"""What gateways send: customers coming back, and server events."""
