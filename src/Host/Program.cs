using Matih.Host.Commands;

return await MatihCommand.RunAsync(args);
