"""The pretend bank, wallet and UPI app. Alone in the edge it knows the simulator."""
