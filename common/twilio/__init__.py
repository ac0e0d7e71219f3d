"""What every Twilio adapter shares: one HTTP client with deadlines, the error table and the webhook signature."""
