-- What a node said of a failure names files and processes: it is for administrators. Owners are told the kind.
ALTER TABLE server ADD COLUMN fault_details text;
UPDATE server SET fault_details = fault_message, fault_message = 'The server could not be run on its node.'
WHERE fault_message IS NOT NULL AND fault_message NOT LIKE 'No valid host was found.%';
